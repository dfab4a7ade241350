//! A way to Postgres that can be cut at the worst moment: after a commit was done and before anyone heard of it.
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use url::Url;

/// Listens as Postgres does on a socket, and passes everything on.
pub struct PgProxy {
    folder: TempDir,
    database: String,
    armed: Arc<AtomicBool>,
    heard: Heard,
}

/// What the server said, if anybody wants to know.
type Heard = Option<Arc<Mutex<Vec<u8>>>>;

impl PgProxy {
    /// In front of the server of this address.
    pub fn start(server: &str) -> Self {
        Self::start_with(server, None)
    }

    /// The same; it remembers what the server says until [`PgProxy::heard`] is called.
    pub fn listening(server: &str) -> Self {
        Self::start_with(server, Some(Arc::default()))
    }

    fn start_with(server: &str, heard: Heard) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("listen");
        // A URL of this kind may leave the host empty, which others may not.
        let url = Url::parse(&server.replace("@/", "@localhost/")).expect("a URL");
        let database = url.path().trim_start_matches('/').to_owned();
        let armed = Arc::new(AtomicBool::new(false));
        let (arms, hears) = (armed.clone(), heard.clone());
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (url, armed, heard) = (url.clone(), arms.clone(), hears.clone());
                std::thread::spawn(move || pass_on(client, &url, &armed, heard));
            }
        });
        Self { folder, database, armed, heard }
    }

    /// For `CALLOUT_DATABASE_URL`.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@/{}?host={}", self.database, self.folder.path().display())
    }

    /// From now on the next commit of a connection that wrote events is done, and its connection cut before the answer.
    pub fn cut_after_next_commit_of_events(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// What the server has said since this was last asked. All of it, if its client has nothing under way.
    pub fn heard(&self) -> Vec<u8> {
        let heard = self.heard.as_ref().map(|heard| std::mem::take(&mut *heard.lock().expect("no panic")));
        heard.unwrap_or_default()
    }

    /// Whether that has happened.
    pub fn has_cut(&self) -> bool {
        !self.armed.load(Ordering::SeqCst)
    }
}

/// To the server, over whichever way its address says.
enum Server {
    Socket(UnixStream),
    Tcp(TcpStream),
}

impl Server {
    fn connect(url: &Url) -> io::Result<Self> {
        let folder =
            url.query_pairs().find(|(name, _)| name == "host").map(|(_, folder)| PathBuf::from(&*folder));
        match folder.as_deref().filter(|folder| folder.is_absolute()) {
            Some(folder) => UnixStream::connect(Path::new(folder).join(".s.PGSQL.5432")).map(Self::Socket),
            None => {
                let host = url.host_str().unwrap_or("127.0.0.1");
                TcpStream::connect((host, url.port().unwrap_or(5432))).map(Self::Tcp)
            }
        }
    }

    fn both_ways(&self) -> io::Result<(Box<dyn Read + Send>, Box<dyn Write + Send>)> {
        Ok(match self {
            Self::Socket(stream) => (Box::new(stream.try_clone()?), Box::new(stream.try_clone()?)),
            Self::Tcp(stream) => (Box::new(stream.try_clone()?), Box::new(stream.try_clone()?)),
        })
    }

    fn close(&self) {
        let _ = match self {
            Self::Socket(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

/// Passes bytes both ways until either side closes.
fn pass_on(client: UnixStream, url: &Url, armed: &Arc<AtomicBool>, heard: Heard) -> io::Result<()> {
    let server = Server::connect(url)?;
    let (mut from_server, mut to_server) = server.both_ways()?;
    let (mut from_client, mut to_client) = (client.try_clone()?, client.try_clone()?);
    let cutting = Arc::new(AtomicBool::new(false));
    let cuts = cutting.clone();
    let answers = std::thread::spawn(move || {
        let mut part = [0; 16 * 1024];
        while let Ok(n @ 1..) = from_server.read(&mut part) {
            if let Some(heard) = &heard {
                heard.lock().expect("no panic").extend_from_slice(&part[..n]);
            }
            // The server says that it is done: nobody hears it.
            if cuts.load(Ordering::SeqCst) || to_client.write_all(&part[..n]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut part = [0; 16 * 1024];
    let mut writes_events = false;
    while let Ok(n @ 1..) = from_client.read(&mut part) {
        let has = |text: &[u8]| part[..n].windows(text.len()).any(|window| window == text);
        writes_events |= has(b"insert into events");
        if writes_events && has(b"COMMIT\0") && armed.swap(false, Ordering::SeqCst) {
            cutting.store(true, Ordering::SeqCst);
        }
        if to_server.write_all(&part[..n]).is_err() {
            break;
        }
    }
    server.close();
    let _ = answers.join();
    Ok(())
}
