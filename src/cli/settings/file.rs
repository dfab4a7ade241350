//! The file: TOML or JSON by its name's end.
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Failure;

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Toml,
    Json,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Such as `webhooks[2].timeout_ms`, counted from 0.
    pub(super) place: String,
    /// What is wrong and what to do.
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

/// A file that is named on the command line.
#[derive(Debug)]
pub(super) struct File {
    /// None for stdin and stdout.
    pub(super) path: Option<PathBuf>,
    pub(super) format: Format,
}

impl File {
    /// Tells the format by the name.
    pub(super) fn named(name: &str) -> Result<Self, Failure> {
        if name == "-" {
            return Ok(Self { path: None, format: Format::Json });
        }
        let path = PathBuf::from(name);
        let extension = path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
        let format = match extension.as_deref() {
            Some("toml") => Format::Toml,
            Some("json") => Format::Json,
            _ => {
                return Err(Failure::new(
                    format!("{name} is neither TOML nor JSON by its name"),
                    "name a file that ends in .toml or .json, or - for stdin or stdout as JSON",
                ));
            }
        };
        Ok(Self { path: Some(path), format })
    }

    /// Where relative paths in it begin.
    pub(super) fn folder(&self) -> &Path {
        let parent = self.path.as_deref().and_then(Path::parent);
        parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// What it says.
    pub(super) fn read(&self) -> Result<Value, Failure> {
        let read = match &self.path {
            Some(path) => std::fs::read_to_string(path),
            None => {
                let mut text = String::new();
                std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
            }
        };
        let unread = |error: std::io::Error| {
            Failure::new(format!("{} cannot be read: {error}", self.shown()), "nothing was changed")
        };
        let text = read.map_err(unread)?;
        // Never the line itself: a secret may stand in it.
        let not_so = |format: &str, place: String, why: &str| {
            Failure::new(
                format!("{} is not {format}: {place}{why}", self.shown()),
                "nothing was changed; correct that and try again",
            )
        };
        match self.format {
            Format::Json => serde_json::from_str(&text).map_err(|error| {
                let why = error.to_string();
                not_so("JSON", String::new(), &why)
            }),
            Format::Toml => match toml::from_str::<toml::Table>(&text) {
                Ok(table) => Ok(of_toml(toml::Value::Table(table))),
                Err(error) => {
                    let before = error.span().and_then(|span| text.get(..span.start));
                    let place = before.map(|before| format!("line {}: ", before.matches('\n').count() + 1));
                    Err(not_so("TOML", place.unwrap_or_default(), error.message()))
                }
            },
        }
    }

    /// A document as text.
    pub(super) fn text_of(&self, document: &Map<String, Value>) -> String {
        match self.format {
            Format::Toml => to_toml(document),
            Format::Json => serde_json::to_string_pretty(document).unwrap_or_default() + "\n",
        }
    }

    /// Writes it anew.
    pub(super) fn write(&self, text: &str) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        std::fs::write(path, text).map_err(|error| {
            Failure::new(format!("{} cannot be written: {error}", self.shown()), "choose another file")
        })
    }

    /// All that is wrong with it, a line each.
    pub(super) fn is_wrong(&self, wrong: &[Wrong]) -> Failure {
        let lines: Vec<String> =
            wrong.iter().map(|one| format!("  {}: {}", one.place, one.message)).collect();
        let things = if wrong.len() == 1 { "one thing is" } else { &format!("{} things are", wrong.len()) };
        Failure::new(
            format!("{things} wrong in {}:\n{}", self.shown(), lines.join("\n")),
            "nothing was changed",
        )
    }

    fn shown(&self) -> String {
        self.path.as_ref().map_or("stdin".to_owned(), |path| path.display().to_string())
    }
}

fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(of_toml).collect(),
        toml::Value::Table(table) => {
            table.into_iter().map(|(name, value)| (name, of_toml(value))).collect::<Map<_, _>>().into()
        }
    }
}

/// A document whose sections are tables or lists of tables, in its own order.
fn to_toml(document: &Map<String, Value>) -> String {
    let is_table = |value: &Value| match value {
        Value::Array(items) => items.first().is_some_and(Value::is_object),
        value => value.is_object(),
    };
    let mut text = String::new();
    for (name, value) in document.iter().filter(|(_, value)| !is_table(value)) {
        text += &format!("{name} = {}\n", inline(value));
    }
    for (name, section) in document.iter().filter(|(_, value)| is_table(value)) {
        match section {
            Value::Array(items) => {
                for fields in items.iter().filter_map(Value::as_object) {
                    text += &format!("\n[[{name}]]\n");
                    table(name, fields, &mut text);
                }
            }
            Value::Object(fields) => {
                text += &format!("\n[{name}]\n");
                table(name, fields, &mut text);
            }
            _ => {}
        }
    }
    text
}

/// Fields of a table; those that are tables of several fields themselves come after the others.
fn table(name: &str, fields: &Map<String, Value>, text: &mut String) {
    let is_long = |value: &Value| value.as_object().is_some_and(|inner| inner.len() > 1);
    for (field, value) in fields.iter().filter(|(_, value)| !is_long(value)) {
        *text += &format!("{} = {}\n", key(field), inline(value));
    }
    for (field, value) in fields.iter().filter(|(_, value)| is_long(value)) {
        *text += &format!("\n[{name}.{}]\n", key(field));
        for (field, value) in value.as_object().into_iter().flatten() {
            *text += &format!("{} = {}\n", key(field), inline(value));
        }
    }
}

fn inline(value: &Value) -> String {
    match value {
        // There is none in what is exported.
        Value::Null => "\"\"".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Array(items) if items.len() > 3 => {
            let lines: String = items.iter().map(|item| format!("  {},\n", inline(item))).collect();
            format!("[\n{lines}]")
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Bare where TOML takes it so, else in quotes.
fn key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.is_empty() && name.bytes().all(is_bare) {
        return name.to_owned();
    }
    // What JSON escapes, basic strings of TOML escape alike.
    Value::from(name).to_string()
}
