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
        figures(&bench(&["--events", "400", "--fan-out", "2", "--concurrency", "8", "--ids", "--json"]));
    assert_eq!(figures["accepted"], 400);
    assert_eq!(figures["delivered"], 800);
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
    ] {
        assert!(figures.pointer(path).and_then(Value::as_f64) > Some(0.0), "{path} of {figures}");
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
    for word in
        ["accepted", "delivered", "end to end", "lost", "duplicates", "signatures", "CPU", "memory", "limits"]
    {
        assert!(text.lines().any(|line| line.starts_with(word)), "{word} in {text}");
    }
}
