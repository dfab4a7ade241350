//! Interim answers (RFC 9110, 15.2: any number of 1xx before the answer), which awc would take for the answer itself.

/// How an interim answer begins.
const BEGINNING: &[u8] = b"HTTP/1.1 1";
/// A protocol switch, which nobody asked for: an answer like any other.
const SWITCH: &[u8] = b"HTTP/1.1 101";
/// Longer interim answers than this are passed on, and fail.
const HELD_BYTES_MAX: usize = 16 * 1024;

/// Takes interim answers off the front of what was received. True once the front is the final answer, or no HTTP.
pub(super) fn stripped(held: &mut Vec<u8>) -> bool {
    loop {
        let known = held.len().min(BEGINNING.len());
        if held[..known] != BEGINNING[..known] || held.starts_with(SWITCH) {
            return true;
        }
        let end = held.windows(4).position(|window| window == b"\r\n\r\n");
        match end {
            Some(at) => drop(held.drain(..at + 4)),
            None => return held.len() > HELD_BYTES_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(text: &str) -> Option<String> {
        let mut held = text.as_bytes().to_vec();
        stripped(&mut held).then(|| String::from_utf8(held).unwrap())
    }

    #[test]
    fn only_interim_answers_are_taken_off() {
        let answer = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100 as a body";
        assert_eq!(left(answer).as_deref(), Some(answer));
        let hints = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
        assert_eq!(left(&format!("{hints}{answer}")).as_deref(), Some(answer));
        for other in ["HTTP/1.1 101 Switch\r\n\r\n", "SSH-2.0", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/2"] {
            assert_eq!(left(other).as_deref(), Some(other));
        }
    }

    #[test]
    fn what_may_still_be_interim_is_waited_for_within_bounds() {
        for part in
            ["", "HTTP/1.", "HTTP/1.1 1", "HTTP/1.1 103 Early\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTT"]
        {
            assert_eq!(left(part), None, "{part}");
        }
        assert!(left(&format!("HTTP/1.1 100 {}", "x".repeat(HELD_BYTES_MAX))).is_some());
    }
}
