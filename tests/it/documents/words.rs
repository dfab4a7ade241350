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

/// What a `const NAME: … = …;` comes to: a number, a product, or a time of so many of its own units. It is looked for in
/// this source or folder, where only one may have it.
pub(super) fn constant(place: &str, name: &str) -> u64 {
    let mut lines = Vec::new();
    let mut places = vec![super::in_tree(place)];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(
                std::fs::read_dir(&place).expect("a folder").map(|entry| entry.expect("an entry").path()),
            );
        } else if let Ok(source) = std::fs::read_to_string(&place) {
            lines.extend(
                source.lines().filter(|line| line.contains(&format!("const {name}:"))).map(str::to_owned),
            );
        }
    }
    assert_eq!(lines.len(), 1, "{place}: {name} is there so many times");
    let value = lines[0].rsplit_once('=').expect("a value").1.trim().trim_end_matches(';');
    let value = value.split_once('(').map_or(value, |(_, inner)| inner.trim_end_matches(')'));
    let factors = value.split('*').map(|factor| factor.trim().replace('_', "").parse::<u64>());
    factors.product::<Result<u64, _>>().unwrap_or_else(|error| panic!("{place}: {}: {error}", lines[0]))
}
