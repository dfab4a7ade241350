//! Names in texts: variables, and what else can be compared with the program.

/// Every `CALLOUT_…` in a text, each once.
pub(super) fn variables(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| word.starts_with("CALLOUT_"))
        .map(|word| word.trim_end_matches('_').to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// What a `const NAME: … = …;` of a source comes to: a number, a product, or a time of so many of its own units.
pub(super) fn constant(path: &str, name: &str) -> u64 {
    let source = super::text_of(path);
    let line = source.lines().find(|line| line.contains(&format!("const {name}:")));
    let line = line.unwrap_or_else(|| panic!("{path}: no {name}"));
    let value = line.rsplit_once('=').expect("a value").1.trim().trim_end_matches(';');
    let value = value.split_once('(').map_or(value, |(_, inner)| inner.trim_end_matches(')'));
    let factors = value.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>());
    factors.product::<Result<u64, _>>().unwrap_or_else(|error| panic!("{path}: {line}: {error}"))
}
