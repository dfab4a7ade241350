use std::collections::HashMap;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config, WrongSettings> {
    let given: HashMap<String, String> = pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    Config::read(move |variable| given.get(variable).cloned())
}

fn wrong(variable: &str, value: &str) -> String {
    let errors = read(&[(variable, value)]).expect_err("must be refused");
    assert_eq!(errors.0.len(), 1, "{errors}");
    assert_eq!(errors.0[0].variable, variable);
    errors.to_string()
}

#[test]
fn nothing_set_gives_the_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(config.database_url, None);
    assert_eq!(config.data_dir, PathBuf::from("data"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!((config.retention_days, config.failure_retention_days), (30, 90));
    assert_eq!((config.max_in_flight, config.max_in_flight_per_webhook), (512, 64));
    assert!(!config.allow_http && config.secret_key.is_none() && config.workers >= 1);
    assert_eq!((config.log.as_str(), config.log_format), ("info", LogFormat::Text));
}

#[test]
fn an_empty_variable_counts_as_unset() {
    for setting in SETTINGS {
        read(&[(setting.variable, "")]).unwrap_or_else(|error| panic!("{error}"));
        read(&[(setting.variable, "  ")]).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn addresses_may_be_names_and_either_family() {
    assert_eq!(read(&[("CALLOUT_LISTEN", "localhost:8081")]).unwrap().listen.port(), 8081);
    assert_eq!(read(&[("CALLOUT_LISTEN", "[::1]:8080")]).unwrap().listen.to_string(), "[::1]:8080");
    assert_eq!(
        read(&[("CALLOUT_LISTEN", "localhost:8081")]).unwrap().public_url,
        "http://localhost:8081",
        "the public URL follows what was typed"
    );
    for bad in ["8080", ":8080", "localhost", "127.0.0.1:99999", "http://localhost:8080", "no such host:1"] {
        assert!(wrong("CALLOUT_LISTEN", bad).contains("host:port"), "{bad}");
    }
}

#[test]
fn a_wildcard_listener_has_a_public_url_one_can_go_to() {
    assert_eq!(read(&[("CALLOUT_LISTEN", "0.0.0.0:80")]).unwrap().public_url, "http://localhost:80");
}

#[test]
fn a_taken_port_replaces_port_zero() {
    let config = read(&[("CALLOUT_LISTEN", "127.0.0.1:0")]).unwrap();
    let config = config.listening_on("127.0.0.1:4321".parse().unwrap());
    assert_eq!(config.public_url, "http://127.0.0.1:4321");
    let named =
        read(&[("CALLOUT_LISTEN", "127.0.0.1:0"), ("CALLOUT_PUBLIC_URL", "https://c.example/")]).unwrap();
    assert_eq!(named.listening_on("127.0.0.1:4321".parse().unwrap()).public_url, "https://c.example");
}

#[test]
fn a_public_url_has_no_slash_at_the_end() {
    let url = |text| read(&[("CALLOUT_PUBLIC_URL", text)]).unwrap().public_url;
    assert_eq!(url("https://callout.example.com/"), "https://callout.example.com");
    assert_eq!(url("https://example.com/callout/"), "https://example.com/callout");
    for bad in
        ["callout.example.com", "ftp://example.com", "https://u:p@example.com", "https://example.com/?a=1"]
    {
        wrong("CALLOUT_PUBLIC_URL", bad);
    }
}

#[test]
fn the_database_url_may_come_under_either_name_and_ours_wins() {
    let ours = ("CALLOUT_DATABASE_URL", "postgres://ours/x");
    let usual = ("DATABASE_URL", "postgresql://usual/x");
    assert_eq!(read(&[usual]).unwrap().database_url.as_deref(), Some("postgresql://usual/x"));
    assert_eq!(read(&[usual, ours]).unwrap().database_url.as_deref(), Some("postgres://ours/x"));
    assert_eq!(
        read(&[usual, ("CALLOUT_DATABASE_URL", "")]).unwrap().database_url.as_deref(),
        Some("postgresql://usual/x")
    );
    read(&[("CALLOUT_DATABASE_URL", "host=/run/pg user=postgres dbname=x")]).unwrap();
    read(&[("CALLOUT_DATABASE_URL", "postgresql://postgres@/app?host=/run/pg")]).unwrap();
    assert!(wrong("CALLOUT_DATABASE_URL", "mysql://root@localhost/x").contains("postgres://"));
}

#[test]
fn a_secret_key_is_32_bytes_of_base64_and_never_shown() {
    let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let config = read(&[("CALLOUT_SECRET_KEY", key)]).unwrap();
    assert_eq!(config.secret_key.as_ref().unwrap().bytes(), b"01234567890123456789012345678901");
    assert!(!format!("{config:?}").contains("MDEy") && !format!("{config:?}").contains("48, 49"));
    let message = wrong("CALLOUT_SECRET_KEY", "hunter2");
    assert!(message.contains("32 bytes") && !message.contains("hunter2"), "{message}");
}

#[test]
fn passwords_are_masked_in_messages_and_debug_output() {
    let config = read(&[
        ("CALLOUT_DATABASE_URL", "postgres://me:hunter2@db/x"),
        ("CALLOUT_SMTP_URL", "smtps://me:hunter2@mail:465"),
        ("CALLOUT_MAIL_FROM", "a@example.com"),
        ("CALLOUT_EGRESS_PROXY", "http://me:hunter2@proxy:3128"),
    ])
    .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    assert!(!wrong("CALLOUT_SMTP_URL", "http://me:hunter2@mail").contains("hunter2"));
    assert!(!wrong("CALLOUT_PUBLIC_URL", "https://me:hunter2@x").contains("hunter2"));
    assert_eq!(masked("postgres://me:a@b/c:d@host/x"), "postgres://me:****@host/x");
    assert_eq!(
        masked("postgres://h/x?user=a&password=hunter2&x=1"),
        "postgres://h/x?user=a&password=****&x=1"
    );
    assert_eq!(masked("host=h password='a b' dbname=x"), "host=h password=**** dbname=x");
    assert_eq!(masked("plain"), "plain");
}

#[test]
fn mail_needs_a_sender_when_it_has_a_server() {
    let errors = read(&[("CALLOUT_SMTP_URL", "smtp://mail:25")]).unwrap_err();
    assert_eq!(errors.0[0].variable, "CALLOUT_MAIL_FROM");
    read(&[("CALLOUT_SMTP_URL", "smtp://mail:25"), ("CALLOUT_MAIL_FROM", "Callout <c@example.com>")])
        .unwrap();
    wrong("CALLOUT_MAIL_FROM", "nobody");
}

#[test]
fn numbers_have_their_range_in_the_message() {
    for variable in ["CALLOUT_RETENTION_DAYS", "CALLOUT_FAILURE_RETENTION_DAYS"] {
        for bad in ["0", "-1", "3651", "many", "1.5"] {
            assert!(wrong(variable, bad).contains("from 1 to 3650"), "{bad}");
        }
    }
    wrong("CALLOUT_WORKERS", "0");
    wrong("CALLOUT_MAX_IN_FLIGHT", "0");
    wrong("CALLOUT_MAX_IN_FLIGHT_PER_WEBHOOK", "65537");
}

#[test]
fn every_wrong_setting_is_told_at_once_with_its_flag() {
    let errors = read(&[("CALLOUT_ALLOW_HTTP", "yes"), ("CALLOUT_LOG_FORMAT", "xml")]).unwrap_err();
    let text = errors.to_string();
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("CALLOUT_ALLOW_HTTP (--allow-http) is `yes`; accepted is true or false"), "{text}");
    wrong("CALLOUT_LOG", "info,=,=");
    wrong("CALLOUT_EXTRA_CA", "/no/such/file.pem");
    wrong("CALLOUT_EGRESS_PROXY", "https://proxy:1/path");
}
