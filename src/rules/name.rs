//! What a text must not hold to be a name that people tell apart by looking.

/// Whether a text has a character that nobody sees, or that makes others show in another order: control characters
/// and Unicode's format characters. The joiners U+200C and U+200D stay, for scripts and emoji are written with them.
pub fn has_unseen(text: &str) -> bool {
    first_unseen(text).is_some() || text.trim_matches(is_joiner).is_empty()
}

/// The first such character, but for one of a text of nothing but joiners.
pub fn first_unseen(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() || is_format(*c))
}

/// What to tell whoever typed it: the character is named by its number, for it cannot be shown.
pub fn unseen_words(text: &str) -> String {
    match first_unseen(text) {
        Some(c) => format!(
            "The character U+{:04X} is not allowed in a name: nobody sees it, or it turns others round. Take it out.",
            u32::from(c)
        ),
        None => "Enter a name that can be seen.".to_owned(),
    }
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
    use super::{has_unseen, unseen_words};

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
        assert!(
            unseen_words("\u{202e}pohS").contains("U+202E") && unseen_words("a\u{7}b").contains("U+0007")
        );
        assert!(!unseen_words("\u{200d}").contains("U+"), "joiners are allowed beside others");
    }
}
