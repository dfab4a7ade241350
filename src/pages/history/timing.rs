//! How long each step of an attempt took, as a bar and as a table.
use super::words::duration_words;
use crate::models::deliveries::Timings;

/// Width of the drawing that the steps share, in its own units.
const WIDTH: f64 = 1000.0;
/// A step that took next to no time is still to be seen.
const STEP_WIDTH_MIN: f64 = 4.0;

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// A class of the style sheet.
    pub class: &'static str,
    /// What happened in it.
    pub name: &'static str,
    /// How long, in words.
    pub took: String,
    /// Where it begins in the drawing.
    pub x: f64,
    /// How much of the drawing it takes.
    pub width: f64,
}

/// The steps that took place, in order, with their place in a drawing that is 1,000 wide.
pub fn steps(timings: &Timings) -> Vec<Step> {
    // The first byte is timed from the start of the attempt, the steps before it each on their own.
    let before: i32 = [timings.dns_us, timings.connect_us, timings.tls_us].into_iter().flatten().sum();
    let wait_us = timings.first_byte_us.map(|us| (us - before).max(0));
    let known = [
        ("timing-dns", "Name look-up", timings.dns_us),
        ("timing-connect", "Connection", timings.connect_us),
        ("timing-tls", "TLS handshake", timings.tls_us),
        ("timing-wait", "Waiting for the first byte", wait_us),
    ];
    let spent: i64 = known.iter().filter_map(|(_, _, us)| us.map(i64::from)).sum();
    let rest = i64::from(timings.total_us) - spent;
    let mut all: Vec<(&str, &str, i64)> = known
        .into_iter()
        .filter_map(|(class, name, us)| us.map(|us| (class, name, i64::from(us.max(0)))))
        .collect();
    if rest > 0 {
        all.push(match timings.first_byte_us {
            Some(_) => ("timing-rest", "Reading the response", rest),
            None => ("timing-wait", "Until it ended", rest),
        });
    }
    placed(&all)
}

fn placed(all: &[(&'static str, &'static str, i64)]) -> Vec<Step> {
    let total = all.iter().map(|(_, _, us)| *us).sum::<i64>().max(1) as f64;
    let free = WIDTH - STEP_WIDTH_MIN * all.len() as f64;
    let mut x = 0.0;
    all.iter()
        .map(|&(class, name, us)| {
            let width = STEP_WIDTH_MIN + free * us as f64 / total;
            let step = Step { class, name, took: duration_words(us), x, width };
            x += width;
            step
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_fill_the_drawing_without_gaps() {
        let timings = Timings {
            dns_us: Some(0),
            connect_us: Some(1_000),
            tls_us: Some(20_000),
            first_byte_us: Some(400_000),
            total_us: 430_000,
        };
        let steps = steps(&timings);
        assert_eq!(steps.len(), 5);
        for pair in steps.windows(2) {
            assert!((pair[0].x + pair[0].width - pair[1].x).abs() < 1e-9);
        }
        let last = steps.last().unwrap();
        assert!((last.x + last.width - WIDTH).abs() < 1e-6);
        assert_eq!(last.took, "30 ms");
    }

    #[test]
    fn the_wait_begins_when_the_connection_stands() {
        let timings = Timings {
            dns_us: Some(12_000),
            connect_us: Some(28_000),
            tls_us: Some(60_000),
            first_byte_us: Some(350_000),
            total_us: 360_000,
        };
        let took: Vec<_> = steps(&timings).into_iter().map(|step| step.took).collect();
        assert_eq!(took, ["12 ms", "28 ms", "60 ms", "250 ms", "10 ms"]);
    }

    #[test]
    fn a_kept_connection_has_no_look_up() {
        let timings = Timings { first_byte_us: Some(5_000), total_us: 5_000, ..Timings::default() };
        let names: Vec<_> = steps(&timings).iter().map(|step| step.name).collect();
        assert_eq!(names, ["Waiting for the first byte"]);
    }
}
