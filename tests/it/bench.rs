//! `callout bench`: it measures the real thing, finds nothing wrong with it, and says so.
use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_callout"))
        .arg("bench")
        .args(arguments)
        .arg("--dir")
        .arg(folder.path())
        .output()
        .expect("run callout");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").flatten().collect();
    assert!(left.is_empty(), "it leaves {left:?}");
    output
}

fn figures(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_run_delivers_every_event_once_to_each_webhook_and_tells_its_figures() {
    let figures =
        figures(&bench(&["--events", "1000", "--fan-out", "2", "--concurrency", "8", "--ids", "--json"]));
    assert_eq!(figures["accepted"], 1_000);
    assert_eq!(figures["delivered"], 2_000);
    assert_eq!((&figures["lost"], &figures["duplicates"]), (&0.into(), &0.into()));
    assert_eq!(figures["faults"], serde_json::json!([]));
    assert!(figures["signatures"]["verified"].as_u64() > Some(0));
    for path in [
        "/accepted_per_s",
        "/delivered_per_s",
        "/accept_ms/p50",
        "/accept_ms/p99",
        "/end_to_end_ms/p95",
        "/cpu_s_per_1000_deliveries/program",
        "/cpu_s_per_1000_deliveries/postgres",
        "/program_peak_mib",
        "/baseline/straight_per_s",
        "/baseline/postgres_rows_per_s",
        "/baseline/delivered_share_of_straight",
        "/disk/bytes_per_delivery",
        "/disk/bytes_per_delivery_beyond_bodies",
        "/disk/events/table_bytes",
        "/disk/deliveries/index_bytes",
        "/disk/attempts/index_bytes",
        "/growth/first_tenth/delivered_per_s",
        "/growth/last_tenth/delivered_per_s",
        "/growth/speed_ratio",
    ] {
        assert!(is_positive(&figures, path), "{path} of {figures}");
    }
    // With the 2,000 events before it.
    assert_eq!(figures["disk"]["events"]["rows"], 3_000);
    assert_eq!(figures["disk"]["deliveries"]["rows"], 6_000);
    assert_eq!(figures["disk"]["attempts"]["rows"], 6_000);
    assert_eq!((&figures["bad_receivers"], &figures["backlog"]), (&Value::Null, &Value::Null));
}

fn is_positive(figures: &Value, path: &str) -> bool {
    figures.pointer(path).and_then(Value::as_f64) > Some(0.0)
}

#[test]
fn beside_receivers_that_hang_drip_and_refuse_the_healthy_ones_get_everything_and_both_halves_are_told() {
    let figures = figures(&bench(&[
        "--bad-receivers",
        "--events",
        "300",
        "--rate",
        "150",
        "--concurrency",
        "8",
        "--fan-out",
        "2",
        "--json",
    ]));
    let beside = &figures["bad_receivers"];
    assert_eq!((&figures["accepted"], &beside["beside_accepted"]), (&300.into(), &300.into()));
    assert_eq!((&figures["delivered"], &beside["beside_delivered"]), (&600.into(), &600.into()));
    assert_eq!((&figures["lost"], &figures["faults"]), (&0.into(), &serde_json::json!([])));
    assert_eq!(
        figures["history"]["delivered"],
        2 * (2_000 + 300 + 300),
        "those to bad receivers are not counted"
    );
    for path in [
        "well_end_to_end_ms/p50",
        "beside_end_to_end_ms/p99",
        "p99_ratio",
        "requests/hung",
        "requests/dripped",
    ] {
        assert!(is_positive(beside, &format!("/{path}")), "{path} of {beside}");
    }
}

#[test]
fn what_waited_for_a_receiver_that_was_away_goes_out_in_the_order_in_which_it_was_due() {
    let figures =
        figures(&bench(&["--backlog", "--events", "500", "--concurrency", "8", "--fan-out", "2", "--json"]));
    let backlog = &figures["backlog"];
    // With the 1,000 events that were posted to let the program notice.
    assert_eq!(backlog["waiting"], 2 * (1_000 + 500));
    assert_eq!(backlog["drained"], 2 * (1_000 + 500));
    assert_eq!((&figures["lost"], &figures["duplicates"]), (&0.into(), &0.into()));
    assert_eq!(figures["faults"], serde_json::json!([]));
    assert!(backlog["order"]["checked"].as_u64() > Some(900), "{backlog}");
    assert_eq!(backlog["order"]["out_of_turn"], 0);
    for path in ["program_peak_mib_waiting", "until_first_ms", "drained_per_s"] {
        assert!(is_positive(backlog, &format!("/{path}")), "{path} of {backlog}");
    }
}

#[test]
fn killed_at_random_moments_it_loses_nothing_that_was_accepted() {
    let figures =
        figures(&bench(&["--events", "1500", "--rate", "150", "--concurrency", "8", "--chaos", "--json"]));
    let kills = &figures["kills"];
    assert!(kills["program"].as_u64().unwrap() + kills["postgres"].as_u64().unwrap() > 0, "{figures}");
    assert_eq!(figures["lost"], 0);
    assert_eq!(figures["faults"], serde_json::json!([]));
    assert!(figures["accepted"].as_u64() > Some(0));
}

#[test]
fn figures_are_text_unless_json_is_asked_for() {
    let output = bench(&["--events", "50", "--rate", "100", "--concurrency", "4"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    for word in [
        "accepted",
        "delivered",
        "end to end",
        "lost",
        "duplicates",
        "signatures",
        "CPU",
        "memory",
        "limits",
        "disk",
    ] {
        assert!(text.lines().any(|line| line.starts_with(word)), "{word} in {text}");
    }
}
