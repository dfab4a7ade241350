//! A plan to be read by people.
use std::io::IsTerminal as _;

use serde_json::{Map, Value};

use super::plan::Plan;

/// Characters of a value before it is cut.
const SHOWN_MAX: usize = 120;

/// Whether stderr shows colours: on a terminal, unless NO_COLOR (no-color.org) says otherwise.
pub(super) fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The plan as lines. Names and values as JSON writes them: what steers a terminal stays in its quotes.
pub(super) fn text(plan: &Plan, coloured: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    let painted = |code: &str, text: String| match coloured {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text,
    };
    for one in &plan.create {
        lines.push(painted("32", format!("+ create {}", thing(one))));
        let shown = ["target_url", "events", "description"];
        for (field, value) in fields(one, "settings").filter(|(field, _)| shown.contains(&field.as_str())) {
            lines.push(format!("    {field}: {}", short(value)));
        }
    }
    for one in &plan.change {
        lines.push(painted("33", format!("~ change {}", thing(one))));
        for (field, change) in fields(one, "fields") {
            lines.push(format!("    {field}: {} -> {}", short(&change["from"]), short(&change["to"])));
        }
    }
    for one in &plan.delete {
        lines.push(painted("31", format!("- delete {}", thing(one))));
    }
    for one in &plan.left_alone {
        lines.push(format!("  left alone: {}, which is not in the file (--delete deletes it)", thing(one)));
    }
    for one in &plan.kept {
        let reference = one["reference"].as_str().unwrap_or_default();
        let (name, field) = (&one["name"], one["field"].as_str().unwrap_or_default());
        lines.push(format!("  kept: {field} of webhook {name}, for there is nothing in {reference}"));
    }
    for one in &plan.warnings {
        let message = one["message"].as_str().unwrap_or_default();
        lines.push(painted("33", format!("! webhook {}: {message}", one["name"])));
    }
    let counts = [plan.create.len(), plan.change.len(), plan.delete.len(), plan.unchanged];
    let [create, change, delete, unchanged] = counts;
    lines.push(match plan.is_empty() {
        true => format!("Nothing to do: {unchanged} unchanged."),
        false => {
            format!("{create} to create, {change} to change, {delete} to delete, {unchanged} unchanged.")
        }
    });
    lines.join("\n") + "\n"
}

fn thing(one: &Value) -> String {
    let kind = match one["kind"].as_str() {
        Some("event_type") => "event type",
        Some(kind) => kind,
        None => "",
    };
    format!("{kind} {}", one["name"])
}

fn fields<'a>(one: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    one[name].as_object().into_iter().flat_map(Map::iter)
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
