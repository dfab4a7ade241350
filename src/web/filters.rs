//! Filters for templates, and the only place that marks output as safe: each escapes what it was given first.
use askama::filters::Safe;
use askama::{Result, Template, Values};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::assets;

const READABLE: &[FormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
const CLOCK: &[FormatItem<'_>] = format_description!("[hour]:[minute]");
const DATE: &[FormatItem<'_>] = format_description!("[month repr:short] [day padding:none]");
const DAY: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A `<time>` that says UTC and that a script turns into the reader's own time: `{{ at|local_time }}`.
#[askama::filter_fn]
pub fn local_time(at: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(time_element(*at, READABLE, "data-time")))
}

/// The same, the day only: `{{ at|local_day }}`.
#[askama::filter_fn]
pub fn local_day(at: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(time_element(*at, DAY, "data-time=\"day\"")))
}

/// The same as the time since then, e.g. “3 min. ago”: `{{ at|local_ago }}`. Good for lists; further off than a week it
/// is the day.
#[askama::filter_fn]
pub fn local_ago(at: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(time_element(*at, READABLE, "data-time=\"ago\"")))
}

/// The same, the hour and minute only: `{{ at|local_clock }}`. For the scale of a drawing.
#[askama::filter_fn]
pub fn local_clock(at: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(time_element(*at, CLOCK, "data-time=\"clock\"")))
}

/// The same, the day without its year: `{{ at|local_date }}`.
#[askama::filter_fn]
pub fn local_date(at: &OffsetDateTime, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(time_element(*at, DATE, "data-time=\"date\"")))
}

/// The day in UTC, wherever the reader is: `{{ at|utc_date }}`.
#[askama::filter_fn]
pub fn utc_date(at: &OffsetDateTime, _: &dyn Values) -> Result<String> {
    Ok(at.format(DATE).unwrap_or_default())
}

fn time_element(at: OffsetDateTime, readable: &[FormatItem<'_>], attribute: &str) -> String {
    // Digits and signs only, so there is nothing to escape.
    let machine = at.format(&Rfc3339).unwrap_or_default();
    let (shown, exact) = (at.format(readable).unwrap_or_default(), at.format(READABLE).unwrap_or_default());
    format!("<time datetime=\"{machine}\" title=\"{exact}\" {attribute}>{shown}</time>")
}

/// A block of another page, which escapes by itself: `{{ page.as_delivery()|drawn }}`.
#[askama::filter_fn]
pub fn drawn<T: Template>(block: T, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(block.render()?))
}

/// The address of a file of ours: `{{ "css/callout.css"|asset }}`.
#[askama::filter_fn]
pub fn asset(path: &str, _: &dyn Values) -> Result<String> {
    Ok(assets::address(path))
}

/// What stands for a name where there is room for one letter.
#[askama::filter_fn]
pub fn initial(name: &str, _: &dyn Values) -> Result<String> {
    Ok(name.chars().next().map(String::from).unwrap_or_default())
}

/// JSON text, indented for reading; anything else as it is. Escaped like every text: `{{ body|pretty }}`.
#[askama::filter_fn]
pub fn pretty(text: &str, _: &dyn Values) -> Result<String> {
    Ok(indented(text))
}

/// Indents by what stands between the tokens alone, so that numbers and strings stay digit for digit as sent.
fn indented(text: &str) -> String {
    if serde_json::from_str::<&serde_json::value::RawValue>(text).is_err() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let break_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut chars = text.chars().filter(|c| !c.is_control() || *c == '\u{7f}').peekable();
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            ' ' => {}
            '"' => {
                in_string = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if_eq(&' ').is_some() {}
                match chars.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        break_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

/// A number with thin spaces between thousands, as screens and people can read it: `{{ count|grouped }}`.
#[askama::filter_fn]
pub fn grouped(number: &i64, _: &dyn Values) -> Result<String> {
    Ok(thousands(*number))
}

/// A number with its thousands apart.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "−" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_time_is_readable_without_a_script() {
        let element = time_element(datetime!(2026-11-21 08:09:10.5 UTC), READABLE, "data-time");
        assert_eq!(
            element,
            "<time datetime=\"2026-11-21T08:09:10.5Z\" title=\"2026-11-21 08:09:10 UTC\" data-time>2026-11-21 08:09:10 UTC</time>"
        );
    }

    #[test]
    fn json_is_indented_without_touching_numbers_or_strings() {
        let text = r#"{"a":1.50,"b":[],"c":{"d":"x, {\"y\": \\"},"e":[12345678901234567890,null]}"#;
        let expected = "{\n  \"a\": 1.50,\n  \"b\": [],\n  \"c\": {\n    \"d\": \"x, {\\\"y\\\": \\\\\"\n  },\n  \
                        \"e\": [\n    12345678901234567890,\n    null\n  ]\n}";
        assert_eq!(indented(text), expected);
        assert_eq!(indented(expected), expected);
        assert_eq!(indented("<not json>"), "<not json>");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(thousands(-12), "−12");
    }
}
