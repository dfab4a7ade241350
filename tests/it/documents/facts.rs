//! What the pages say of variables, commands, limits, headers, addresses and tests is so.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use callout::base::config::SETTINGS;
use callout::routes::ROUTES;
use serde_json::json;

use super::words::{constant, variables};
use super::{pages, text_of};
use crate::support::app::App;
use crate::support::{factory, receiver};

/// Variables that are not settings of the program, and where they are read.
const OTHERS: [(&str, &str); 2] =
    [("CALLOUT_WEBHOOK_SECRET", "src/cli/verify_signature.rs"), ("CALLOUT_TEST_DATABASE_URL", "tests/run")];

#[test]
fn the_table_of_settings_is_the_programs_own() {
    let mut table = String::from("| variable | default | meaning |\n|---|---|---|\n");
    for setting in SETTINGS {
        writeln!(table, "| `{}` | {} | {} |", setting.variable, setting.default, setting.meaning)
            .expect("to a string");
    }
    let page = text_of("docs/configuration.md");
    assert!(page.contains(&table), "the table in docs/configuration.md must be:\n\n{table}");
}

#[test]
fn every_variable_in_the_pages_exists() {
    let mut all = pages();
    all.push(("CONTRIBUTING.md".to_owned(), text_of("CONTRIBUTING.md")));
    for (page, text) in all {
        for word in variables(&text) {
            let is_other = OTHERS.iter().any(|(name, file)| *name == word && text_of(file).contains(name));
            let is_setting = SETTINGS.iter().any(|setting| setting.variable == word);
            assert!(is_setting || is_other, "{page}: {word}");
        }
    }
}

/// Everything in a page that is meant literally: spans in backquotes and lines of blocks.
fn literal(text: &str) -> Vec<String> {
    let mut found: Vec<String> = super::blocks(text)
        .iter()
        .flat_map(|block| block.text.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// The commands in a line: the words after `callout`, up to what ends a command.
fn commands(line: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let starts = words.iter().enumerate().filter(|(_, word)| {
        let word = word.trim_start_matches("$(");
        word == "callout" || word == "$callout" || word.ends_with("/callout")
    });
    let ends = |word: &&&str| !matches!(**word, "|" | "&" | "&&" | ";" | "#" | ">");
    starts.map(|(at, _)| words[at + 1..].iter().take_while(ends).copied().collect()).collect()
}

fn help(arguments: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_callout"))
        .args(arguments)
        .arg("--help")
        .output()
        .expect("run callout");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn every_command_and_flag_in_the_pages_exists() {
    let mut seen = BTreeSet::new();
    for (page, text) in pages() {
        for line in literal(&text) {
            for words in commands(&line) {
                let is_name = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                let named: Vec<&str> =
                    words.iter().take_while(is_name).filter(|word| !word.starts_with('-')).copied().collect();
                // `useradd … callout`, `exec callout callout …`, `sudo -u callout env …` and the like name no command.
                if named.is_empty() || matches!(named[0], "callout" | "env") {
                    continue;
                }
                let depth = if matches!(named[0], "user" | "member" | "project" | "key" | "settings") {
                    2
                } else {
                    1
                };
                let command = &named[..depth.min(named.len())];
                let Some(help) = help(command) else {
                    panic!("{page}: callout {}: no such command", command.join(" "))
                };
                for flag in words.iter().filter(|word| word.starts_with("--")) {
                    let flag = flag.split('=').next().unwrap_or_default().trim_end_matches([')', ',', '.']);
                    let known = help.split_whitespace().any(|word| word.trim_end_matches([',', ']']) == flag);
                    assert!(known || flag == "--help", "{page}: callout {}: no {flag}", command.join(" "));
                }
                seen.insert(command.join(" "));
            }
        }
    }
    for command in
        ["serve", "migrate", "receiver", "verify-signature", "user create", "project create", "key create"]
    {
        assert!(seen.contains(command), "{command} is in no page, or is not recognised: {seen:?}");
    }
}

#[test]
fn every_address_in_the_pages_is_a_route() {
    let fits = |route: &str, path: &str| {
        let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
        route.len() == path.len()
            && route.iter().zip(&path).all(|(want, has)| want == has || want.starts_with('{'))
    };
    let mut count = 0;
    for (page, text) in pages() {
        for span in literal(&text) {
            let Some((method, path)) = span.split_once(' ') else { continue };
            if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) || path.starts_with("/_received")
            {
                continue;
            }
            let method = method.to_lowercase();
            let known = ROUTES.iter().any(|route| route.method == method && fits(route.path, path));
            assert!(known, "{page}: {span}");
            count += 1;
        }
    }
    assert!(count > 5);
}

#[test]
fn every_limit_in_the_table_is_the_programs_own() {
    let number = |count: u64| {
        let digits = count.to_string();
        let head = digits.len() % 3;
        let mut parts: Vec<&str> = if head == 0 { Vec::new() } else { vec![&digits[..head]] };
        parts.extend((head..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
        parts.join(",")
    };
    let kib = |path, name| constant(path, name) / 1024;
    let days = |path, name| constant(path, name) / 86_400;
    let (events_in, webhooks, retry) =
        ("src/api/events_in.rs", "src/models/webhooks/mod.rs", "src/rules/retry.rs");
    let (sign_in, sessions) = ("src/models/accounts/sign_in.rs", "src/models/accounts/sessions.rs");
    let rows = [
        ("an event (`POST /v1/events`)", format!("{} KiB", kib(events_in, "EVENT_BYTES_MAX"))),
        (
            "a batch (`POST /v1/events/batch`)",
            format!(
                "{} MiB, {} events",
                kib(events_in, "BATCH_BYTES_MAX") / 1024,
                number(constant(events_in, "BATCH_EVENTS_MAX"))
            ),
        ),
        ("depth of JSON", constant("src/rules/body", "DEPTH_MAX").to_string()),
        (
            "the caller's own `id` of an event",
            format!(
                "{} characters, remembered for {} days",
                constant(events_in, "ID_CHARS_MAX"),
                constant("src/models/events", "REMEMBERED")
            ),
        ),
        ("how far back `created_at` may lie", format!("{} days", constant(events_in, "BACKDATE_MAX"))),
        ("webhooks in a project", constant(webhooks, "WEBHOOKS_MAX").to_string()),
        ("address of a webhook", format!("{} characters", number(constant("src/rules", "TARGET_CHARS_MAX")))),
        ("name of a webhook", format!("{} characters", constant(webhooks, "NAME_LENGTH_MAX"))),
        (
            "own list of waits between retries",
            format!(
                "{} waits of 1 s to {} days",
                constant(retry, "CUSTOM_WAITS_MAX"),
                days(retry, "CUSTOM_WAIT_S_MAX")
            ),
        ),
        (
            "`Retry-After` of a receiver",
            format!("honoured up to {} hours", constant(retry, "RETRY_AFTER_MAX") / 3_600),
        ),
        ("what is read and kept of a receiver's answer", format!("{} KiB", kib("src", "RESPONSE_BYTES_MAX"))),
        ("test sends of a webhook", format!("{} a minute", constant("src", "TESTS_A_MINUTE_MAX"))),
        ("rows of a list", constant("src/api/lists.rs", "LIMIT_MAX").to_string()),
        (
            "wrong passwords before a wait",
            format!(
                "{} for an account, {} from an address",
                constant(sign_in, "ACCOUNT_FREE"),
                constant(sign_in, "ADDRESS_FREE")
            ),
        ),
        ("session without a request", format!("{} days", constant(sessions, "IDLE_MAX"))),
    ];
    let page = text_of("docs/configuration.md");
    for (limit, value) in rows {
        let row = format!("| {limit} | {value} |");
        assert!(page.contains(&row), "docs/configuration.md must say: {row}");
    }
    let source = text_of("src/models/webhooks/settings.rs");
    assert!(source.contains("= 1_000..=30_000;") && page.contains("| time limit of a webhook | 1 to 30 s |"));
}

#[test]
fn a_receiver_gets_the_headers_that_its_page_names() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let asked = json!({
        "extra_signature": "voucherify",
        "authentication": { "type": "bearer", "token": "t" },
        "headers": { "x-api-key": "k" },
    });
    project.webhook(&receiver.url("/"), asked);
    project.event("customer.rewarded", json!({}));
    let received = &receiver::received(&receiver, 1)[0];
    let page = text_of("docs/receiving.md");
    let (_, table) = page.split_once("| header | holds |").expect("a table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    let named: Vec<&str> = rows.filter_map(|line| line.split('`').nth(1)).collect();
    for name in &named {
        assert!(received.header(name).is_some(), "{name} does not come");
    }
    for (name, _) in
        received.headers.iter().filter(|(name, _)| name.starts_with("webhook-") || name.starts_with("x-"))
    {
        assert!(named.contains(&name.as_str()), "docs/receiving.md does not name {name}");
    }
    assert!(received.header("user-agent").is_some_and(|agent| agent.starts_with("Callout/")));
    let body: serde_json::Value = serde_json::from_slice(&received.body).expect("JSON");
    for (field, _) in body.as_object().expect("an envelope") {
        assert!(page.contains(&format!("| `{field}` |")), "docs/receiving.md does not name {field}");
    }
}

#[test]
fn what_we_say_of_ourselves_beside_others_is_backed_by_tests_that_exist() {
    let page = text_of("docs/comparison.md");
    let (_, backed) = page.split_once("## What backs our column").expect("a heading");
    let mut tests = String::new();
    for folder in ["tests/it", "tests/it/documents"] {
        for entry in std::fs::read_dir(super::in_tree(folder)).expect("tests") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                tests.push_str(&std::fs::read_to_string(&path).expect("a test"));
            }
        }
    }
    let names: Vec<&str> = backed.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).collect();
    assert!(names.len() > 10);
    for name in names {
        assert!(tests.contains(&format!("\nfn {name}()")), "there is no test {name}");
    }
    // The README shows some of the rows, word for word.
    let readme = text_of("README.md");
    let rows = |text: &str| {
        let (_, table) = text.split_once("| | Callout | ").expect("a table");
        table.lines().skip(2).take_while(|line| line.starts_with('|')).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = rows(&page);
    for row in rows(&readme) {
        assert!(all.contains(&row), "docs/comparison.md does not have: {row}");
    }
}
