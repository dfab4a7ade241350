//! Which node this is.
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use uuid::Uuid;

use crate::base::clock::Clock;
use crate::base::ids::DeliveryId;

/// A node's id: the same after every restart on its data directory, so that it can take back its own claims at once.
pub(super) struct Node {
    pub(super) id: Uuid,
    /// Locked while this program runs.
    _file: Option<File>,
}

impl Node {
    /// Reads or makes `node.id`. A second program on the same directory is a node of its own, until it ends.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("node.id"))?;
        let fresh = DeliveryId::new(Clock::system().now()).0;
        if file.try_lock().is_err() {
            return Ok(Self { id: fresh, _file: None });
        }
        let mut text = String::new();
        // A file that is damaged is written anew: at worst old claims wait for the end of their lease.
        let _ = file.read_to_string(&mut text);
        if let Ok(id) = Uuid::parse_str(text.trim()) {
            return Ok(Self { id, _file: Some(file) });
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{fresh}")?;
        file.sync_all()?;
        Ok(Self { id: fresh, _file: Some(file) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_the_same_after_a_restart_and_a_second_one_at_a_time_is_another() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Node::of(dir.path()).expect("an id");
        let second = Node::of(dir.path()).expect("an id");
        assert_ne!(first.id, second.id);
        let id = first.id;
        drop((first, second));
        assert_eq!(Node::of(dir.path()).expect("an id").id, id);
    }
}
