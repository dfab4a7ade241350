//! "Did you mean": names of event types that resemble what was typed.

/// Longer texts are no slip of the finger and are not compared.
const LENGTH_MAX: usize = 128;

/// Up to `n` names of event types that resemble `name`, the most similar first. Empty where nothing does: where more
/// than half of the longer text would have to change.
pub fn nearest(name: &str, n: usize) -> Vec<&'static str> {
    nearest_of(name, super::all().iter().map(|event_type| event_type.name), n)
}

/// The same among any names; of equals the first come first.
pub fn nearest_of<'a>(name: &str, names: impl Iterator<Item = &'a str>, n: usize) -> Vec<&'a str> {
    if name.len() > LENGTH_MAX {
        return Vec::new();
    }
    let mut found: Vec<(usize, &str)> = names
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, candidate)| distance * 2 <= candidate.len().max(name.len()))
        .collect();
    found.sort_by_key(|(distance, _)| *distance); // stable: equals keep their order
    found.into_iter().take(n).map(|(_, candidate)| candidate).collect()
}

/// How many letters have to be added, removed, replaced or swapped with their neighbour to turn `a` into `b`
/// (optimal string alignment; three rows are enough).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
