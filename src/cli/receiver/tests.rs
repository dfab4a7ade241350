use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;

fn started() -> Receiver {
    Receiver::start(Options::default()).unwrap()
}

/// Sends one request on a new connection and reads up to `limit` bytes of the answer, or what came until it closed.
fn exchange(receiver: &Receiver, request: &str, limit: usize) -> io::Result<String> {
    let mut stream = TcpStream::connect(receiver.addr())?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while answer.len() < limit {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&part[..n]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn post(receiver: &Receiver, path: &str) -> io::Result<String> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nwebhook-id: whs_1\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    exchange(receiver, &request, 4096)
}

#[test]
fn it_answers_and_remembers() {
    let receiver = started();
    assert!(post(&receiver, "/a").unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(receiver.wait_for(1, Duration::from_secs(5)));
    let received = receiver.received();
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/a"));
    assert_eq!((received[0].header("webhook-id"), received[0].text().as_str()), (Some("whs_1"), "{}"));
    assert!(!receiver.wait_for(2, Duration::from_millis(1)));
}

#[test]
fn received_is_told_as_json_and_forgotten_on_demand() {
    let receiver = started();
    post(&receiver, "/a").unwrap();
    let answer =
        exchange(&receiver, "GET /_received HTTP/1.1\r\nconnection: close\r\n\r\n", usize::MAX).unwrap();
    let json: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(json[0]["method"], "POST");
    assert_eq!(json[0]["path"], "/a");
    assert_eq!(json[0]["headers"]["webhook-id"], "whs_1");
    assert_eq!(json[0]["body"], "{}");
    exchange(&receiver, "DELETE /_received HTTP/1.1\r\nconnection: close\r\n\r\n", 4096).unwrap();
    assert_eq!((receiver.count(), receiver.received().len()), (0, 0));
}

#[test]
fn it_behaves_as_it_is_told_while_it_runs() {
    let receiver = started();
    receiver.set(Behaviour { retry_after: Some("7".to_owned()), ..Behaviour::status(503) });
    let answer = post(&receiver, "/").unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 7\r\n"), "{answer}");
    assert!(post(&receiver, "/x?status=410").unwrap().starts_with("HTTP/1.1 410 "), "the query beats it");
    receiver.set(Behaviour::status(204));
    assert!(!post(&receiver, "/").unwrap().contains("content-length"));
}

#[test]
fn a_share_of_requests_fails() {
    let receiver = started();
    receiver.set(Behaviour { fail_percent: 30, ..Behaviour::default() });
    let failed = (0..200).filter(|_| post(&receiver, "/").unwrap().starts_with("HTTP/1.1 500 ")).count();
    assert!((40..=80).contains(&failed), "{failed} of 200");
}

#[test]
fn it_misbehaves_in_every_way() {
    let receiver = started();
    let redirect = post(&receiver, "/r?misbehave=redirect").unwrap();
    assert!(
        redirect.starts_with("HTTP/1.1 302 ") && redirect.contains("location: /r?misbehave=redirect\r\n")
    );
    assert_eq!(post(&receiver, "/?misbehave=hang").unwrap(), "");
    assert_eq!(post(&receiver, "/?misbehave=reset").unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    let huge = "POST /?misbehave=huge HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
    assert!(exchange(&receiver, huge, 5_000_000).unwrap().len() >= 5_000_000);
    let drip = "POST /?misbehave=drip HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
    let dripped = exchange(&receiver, drip, 120).unwrap();
    assert!(dripped.ends_with(".\r\n") && dripped.matches("1\r\n.\r\n").count() > 1, "{dripped}");
    assert_eq!(receiver.count(), 5);
}

#[test]
fn several_requests_share_a_connection() {
    let receiver = started();
    let two = "POST /1 HTTP/1.1\r\ncontent-length: 0\r\n\r\nPOST /2 HTTP/1.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(&receiver, two, 100_000).unwrap().matches("HTTP/1.1 200").count(), 2);
}

#[test]
fn a_stopped_receiver_closes_its_port() {
    let receiver = started();
    let address = receiver.addr();
    receiver.stop();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn only_so_many_requests_are_kept() {
    let receiver = Receiver::start(Options { keep: 2, ..Options::default() }).unwrap();
    for path in ["/1", "/2", "/3"] {
        post(&receiver, path).unwrap();
    }
    let paths: Vec<_> = receiver.received().into_iter().map(|r| r.path).collect();
    assert_eq!((paths, receiver.count()), (vec!["/2".to_owned(), "/3".to_owned()], 3));
}

#[tokio::test]
async fn arrivals_can_be_awaited() {
    let receiver = started();
    post(&receiver, "/").unwrap();
    receiver.arrived(1).await;
}
