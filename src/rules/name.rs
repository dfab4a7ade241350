//! What a text must not hold to be a name that people tell apart by looking.

/// Whether a text has a character that nobody sees, or that makes others show in another order: control characters
/// and Unicode's format characters. The joiners U+200C and U+200D stay, for scripts and emoji are written with them.
pub fn has_unseen(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || is_format(c)) || text.trim_matches(is_joiner).is_empty()
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}') || c.is_whitespace()
}

fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

#[cfg(test)]
mod tests {
    use super::has_unseen;

    #[test]
    fn a_name_has_nothing_that_nobody_sees() {
        for good in ["Shop", "Łódź & Söhne", "👩\u{200d}💻 team", "می\u{200c}خواهم", "a b"] {
            assert!(!has_unseen(good), "{good:?}");
        }
        for bad in
            ["a\nb", "Sh\u{200b}op", "\u{202e}pohS", "\u{2066}x", "\u{feff}Shop", "\u{200d}", "\u{2028}"]
        {
            assert!(has_unseen(bad), "{bad:?}");
        }
    }
}
