//! Descriptions as they stand in the document: paragraphs with `code` in them, no other marks.

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// Words.
    Words(String),
    /// What is typed or read letter by letter.
    Code(String),
}

/// One paragraph.
pub type Line = Vec<Span>;

/// The paragraphs of a description: an empty line is between two.
pub fn paragraphs(text: &str) -> Vec<Line> {
    text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).map(line).collect()
}

/// One paragraph: what stands between two backticks is code.
pub fn line(text: &str) -> Line {
    let pieces = text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
    pieces
        .map(
            |(n, piece)| {
                if n % 2 == 1 { Span::Code(piece.to_owned()) } else { Span::Words(piece.to_owned()) }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_make_code_and_empty_lines_make_paragraphs() {
        let words = |text: &str| Span::Words(text.to_owned());
        let code = |text: &str| Span::Code(text.to_owned());
        let read = paragraphs("Give an `id`: then\nonce.\n\n`x`");
        assert_eq!(read, [vec![words("Give an "), code("id"), words(": then\nonce.")], vec![code("x")]]);
        assert_eq!(paragraphs(" \n\n"), Vec::<Line>::new());
    }
}
