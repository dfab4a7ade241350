//! Secrets by reference: a file names where they are, and never holds them.
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::base::config::SETTINGS;

/// What the names of exported variables begin with.
const PREFIX: &str = "CALLOUT_SETTINGS";

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// `{ env = "NAME" }`
    Env(String),
    /// `{ file = "path" }`, from the settings file's own folder on.
    File(PathBuf),
}

impl Reference {
    /// Reads a reference, or says what to write in its place.
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::String(_) => {
                return Err("A secret does not stand in the file itself. Write { env = \"NAME\" } or \
                            { file = \"path\" } in its place."
                    .to_owned());
            }
            _ => return Err("Write { env = \"NAME\" } or { file = \"path\" }.".to_owned()),
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (fields.len(), text("env"), text("file")) {
            // Whoever writes the file is not to learn the installation's own secrets by way of a request.
            (1, Some(name), None) if SETTINGS.iter().any(|one| one.variable == name) => {
                Err(format!("{name} is a setting of Callout itself. Use another variable."))
            }
            (1, Some(name), None) if name.contains(['=', '\0']) => {
                Err("No variable of the environment has such a name.".to_owned())
            }
            (1, Some(name), None) => Ok(Self::Env(name.to_owned())),
            (1, None, Some(path)) => Ok(Self::File(path.into())),
            _ => Err("Write { env = \"NAME\" } or { file = \"path\" }, and nothing else in it.".to_owned()),
        }
    }

    /// The secret; none where there is no such variable or file, or nothing in it.
    pub(super) fn read(&self, folder: &Path) -> Result<Option<Zeroizing<String>>, String> {
        let found = match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(text) => text,
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(std::env::VarError::NotUnicode(_)) => return Err(format!("{name} is not UTF-8 text.")),
            },
            Self::File(path) => match std::fs::read_to_string(folder.join(path)) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(format!("{} cannot be read: {error}.", path.display())),
            },
        };
        let found = Zeroizing::new(found);
        // Editors and `echo` end a file with a line break.
        let text = found.trim_end_matches(['\r', '\n']);
        Ok((!text.is_empty()).then(|| Zeroizing::new(text.to_owned())))
    }

    /// What to call it: `the environment variable NAME`.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Env(name) => format!("the environment variable {name}"),
            Self::File(path) => format!("the file {}", path.display()),
        }
    }
}

/// Names for the variables of an export, no two alike.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// `{ env = "CALLOUT_SETTINGS_<WEBHOOK>_<WHAT>" }`
    pub(super) fn reference(&mut self, webhook: &str, what: &str) -> Value {
        let parts = [PREFIX, &in_capitals(webhook), &in_capitals(what)];
        let name = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("_");
        let mut free = name.clone();
        let mut number = 1;
        while !self.0.insert(free.clone()) {
            number += 1;
            free = format!("{name}_{number}");
        }
        json!({ "env": free })
    }
}

fn in_capitals(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_variables_have_names_that_a_shell_takes_and_no_two_alike() {
        let mut names = Names::default();
        let mut named = |webhook: &str, what: &str| names.reference(webhook, what)["env"].clone();
        assert_eq!(named("Orders (EU)", "token"), "CALLOUT_SETTINGS_ORDERS_EU_TOKEN");
        assert_eq!(named("orders-eu", "token"), "CALLOUT_SETTINGS_ORDERS_EU_TOKEN_2");
        assert_eq!(named("注文", "header x-shop"), "CALLOUT_SETTINGS_HEADER_X_SHOP");
    }

    #[test]
    fn a_reference_names_one_place_and_none_of_our_own() {
        let parse = |value: Value| Reference::parse(&value);
        assert_eq!(parse(json!({ "env": "A" })), Ok(Reference::Env("A".to_owned())));
        assert_eq!(parse(json!({ "file": "a/b" })), Ok(Reference::File("a/b".into())));
        for wrong in
            [json!("clear"), json!({}), json!({ "env": "A", "file": "b" }), json!({ "env": "" }), json!(1)]
        {
            assert!(parse(wrong).is_err());
        }
        assert!(parse(json!({ "env": "CALLOUT_SECRET_KEY" })).is_err_and(|why| why.contains("itself")));
    }
}
