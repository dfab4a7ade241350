//! `callout demo` as people run it: on nothing, twice, and where somebody else's data are.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use callout::base::postgres::PrivatePostgres;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::people;
use crate::support::receiver;
use crate::support::serve::{Serve, command};
use crate::support::wait::eventually;

/// A running `callout demo`; killed when dropped.
struct Demo {
    child: Child,
    client: Client,
    told: Value,
}

fn demo_command(data_dir: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callout"));
    command
        .args(["demo", "--listen", listen])
        .env_remove("CALLOUT_DATABASE_URL")
        .env_remove("DATABASE_URL")
        .env("CALLOUT_DATA_DIR", data_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Demo {
    /// Returns once it has told its sign-in.
    fn start(data_dir: &Path) -> Self {
        let mut child = demo_command(data_dir, "127.0.0.1:0").spawn().expect("run callout demo");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut line).expect("a line");
        let Ok(told) = serde_json::from_str::<Value>(&line) else {
            let _ = child.kill();
            let mut said = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut said);
            panic!("no sign-in: {line:?} {said}");
        };
        let url = told["url"].as_str().expect("a URL");
        let address: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
        Self { child, client: Client::new(address), told }
    }

    /// A browser in which the printed sign-in worked.
    fn signed_in(&self) -> Client {
        let text = |name: &str| self.told[name].as_str().expect("a text").to_owned();
        people::sign_in(&self.client, &text("email"), &text("password")).expect(303);
        self.client.clone()
    }

    /// Ctrl-C, how it ended and what it had said on stderr.
    fn stop(mut self) -> (ExitStatus, String) {
        // SAFETY: sends a signal to a child of ours that has not been waited for.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGINT) };
        let mut said = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        (self.child.wait().expect("an end"), said)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Counts rows in the private database of a data directory, whoever runs it.
fn count(data_dir: &Path, table_and_condition: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let postgres = PrivatePostgres::open(data_dir).expect("the private Postgres");
    let mut conn = PgConnection::establish(&postgres.url()).expect("connect");
    let query = format!("select count(*) as count from {table_and_condition}");
    let rows: Vec<Count> = diesel::sql_query(query).load(&mut conn).expect("count");
    rows[0].count
}

/// The sample's project as this browser sees it, if it may.
fn sample_project(browser: &Client) -> Option<String> {
    let link = browser.get("/").expect(200).page().attribute("a.project-card", "href")?;
    Some(link.trim_start_matches("/p/").trim_end_matches("/overview").to_owned())
}

const IN_SAMPLE: &str = "project_id in (select project_id from sample_projects)";
const OLD: &str = "created_at < (select made_at from sample_projects)";

#[test]
fn it_shows_a_living_shop_on_an_empty_folder_and_the_same_one_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let demo = Demo::start(&data);
    let browser = demo.signed_in();
    let project = sample_project(&browser).expect("a project");
    for status in ["delivered", "retrying", "failed", "held", "cancelled"] {
        let page = browser.get(&format!("/p/{project}/history?status={status}")).expect(200).page();
        assert!(page.has("a[href*='/history/whs_']"), "{status}");
    }
    assert_eq!(browser.get("/account").expect(200).status, 200);
    browser.get("/sample/remove").expect(200);
    let live = format!("events where {IN_SAMPLE} and not {OLD}");
    eventually("a live event that was delivered", || {
        let delivered = "deliveries d join events e on e.id = d.event_id where d.status = 2 \
             and e.created_at >= (select made_at from sample_projects)";
        (count(&data, delivered) > 0).then_some(())
    });
    assert!(count(&data, &live) > 0);
    let kept = data.join("demo.json");
    assert_eq!(std::fs::metadata(&kept).expect("a file").permissions().mode() & 0o777, 0o600);
    let history = count(&data, &format!("events where {IN_SAMPLE} and {OLD}"));
    assert!((3_000..=6_000).contains(&history), "{history}");

    // A second one meanwhile is told why not, and harms nothing.
    let second = demo_command(&data, "127.0.0.1:0").output().expect("run callout demo");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("a demo already runs") && second.stdout.is_empty(), "{said}");
    browser.get("/account").expect(200);
    let first = demo.told.clone();
    let (status, said) = demo.stop();
    assert!(status.success(), "{said}");
    assert!(
        said.contains(first["password"].as_str().expect("a password")) && said.contains("demo@example.com")
    );

    let again = Demo::start(&data);
    assert_eq!((&again.told["email"], &again.told["password"]), (&first["email"], &first["password"]));
    let browser = again.signed_in();
    assert_eq!(sample_project(&browser).as_ref(), Some(&project));
    assert_eq!(count(&data, &format!("events where {IN_SAMPLE} and {OLD}")), history);
    assert_eq!(count(&data, "projects") + count(&data, "users"), 2);
    assert!(again.stop().0.success());
}

#[test]
fn a_changed_password_is_the_printed_one_again_at_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Demo::start(folder.path());
    let password = demo.told["password"].as_str().expect("a password").to_owned();
    let browser = demo.signed_in();
    let form = browser.get("/account").expect(200).page().form("form[action='/account/password']");
    let fields: Vec<String> = form.fields.iter().map(|(name, _)| name.clone()).collect();
    let mut filled = form;
    for name in fields {
        let old = name.contains("old") || name.contains("current") || name.contains("present");
        filled = filled.with(&name, if old { &password } else { "another long enough one" });
    }
    browser.submit("/account", &filled).expect(303);
    let refused = people::sign_in(&demo.client, "demo@example.com", &password);
    assert_ne!(refused.status, 303, "it was changed");
    assert!(demo.stop().0.success());
    let again = Demo::start(folder.path());
    assert_eq!(again.told["password"], password.as_str());
    again.signed_in();
    assert!(again.stop().0.success());
}

#[test]
fn where_somebody_else_is_the_owner_their_data_stay_theirs() {
    let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
    let data = folder.path();
    owner_with_a_shop(data, &receiver.url("/"));
    let theirs = "project_id in (select id from projects where name = 'Shop')";
    let before = [
        count(data, &format!("events where {theirs}")),
        count(data, &format!("webhooks where {theirs} and target_url like '%{}/'", receiver.addr())),
    ];
    assert_eq!(before, [1, 1]);

    let demo = Demo::start(data);
    let browser = demo.signed_in();
    let list = browser.get("/").expect(200).page();
    assert_eq!(list.count("a.project-card"), 1, "the sample's project only");
    assert!(!list.source().contains("Shop<") && !list.has("form[action='/projects']"));
    let project = sample_project(&browser).expect("the sample");
    browser.get(&format!("/p/{project}/settings/webhooks")).expect(200);
    browser.get("/sample/remove").expect(403);
    // Their own sign-in still works, and sees both.
    let owner = Client::new(demo.told["url"].as_str().unwrap_or_default()[7..].parse().expect("an address"));
    people::sign_in(&owner, "olive@example.com", people::PASSWORD).expect(303);
    assert_eq!(owner.get("/").expect(200).page().count("a.project-card"), 2);
    let (status, said) = demo.stop();
    assert!(status.success() && said.contains("looks after the sample's project only"), "{said}");
    let after = [
        count(data, &format!("events where {theirs}")),
        count(data, &format!("webhooks where {theirs} and target_url like '%{}/'", receiver.addr())),
    ];
    assert_eq!(after, before);

    // `serve` goes on with the same directory.
    let serve = Serve::start(data, &[]);
    people::sign_in(&serve.client(), "olive@example.com", people::PASSWORD).expect(303);
    assert!(serve.stop().success());
}

fn owner_with_a_shop(data: &Path, target_url: &str) {
    let mut create = Command::new(env!("CARGO_BIN_EXE_callout"))
        .args([
            "user",
            "create",
            "--email",
            "olive@example.com",
            "--name",
            "Olive",
            "--owner",
            "--password-stdin",
        ])
        .env_remove("CALLOUT_DATABASE_URL")
        .env_remove("DATABASE_URL")
        .env("CALLOUT_DATA_DIR", data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("run callout");
    create.stdin.take().expect("piped").write_all(people::PASSWORD.as_bytes()).expect("write");
    assert!(create.wait().expect("an end").success());
    let serve = Serve::start(data, &[]);
    command(data, &["project", "create", "--name", "Shop"]);
    let key = command(data, &["key", "create", "--project", "Shop", "--name", "n"]);
    let client = serve.client().with_key(key["token"].as_str().expect("a token"));
    let webhook = json!({ "target_url": target_url, "events": ["customer.rewarded"] });
    client.post("/v1/webhooks", &webhook).expect(201);
    client.post("/v1/events", &json!({ "type": "customer.rewarded", "data": {} })).expect(202);
    assert!(serve.stop().success());
}

#[test]
fn a_taken_address_is_said_with_where_to_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = demo_command(folder.path(), &address).output().expect("run callout demo");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("open http://{address}")), "{said}");
}
