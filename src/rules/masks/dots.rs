//! What is left of a masked value: always three dots, however long it is.
use super::Kind;

/// Stands for what is not shown.
pub const DOTS: &str = "•••";
/// Of codes shorter than this nothing is left.
const CODE_CHARS_MIN: usize = 8;
/// Of numbers with fewer digits nothing is left.
const PHONE_DIGITS_MIN: usize = 7;
/// Of anything shorter than this nothing is left: a letter of two is half of it.
const CHARS_MIN: usize = 3;

/// The value as it is shown.
pub fn dotted(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Shown => value.to_owned(),
        Kind::Email => email(value),
        Kind::Phone => phone(value),
        Kind::Name => begin(value.trim()),
        Kind::Code => code(value.trim()),
        Kind::Other => DOTS.to_owned(),
    }
}

fn email(value: &str) -> String {
    let Some((local, domain)) = value.trim().rsplit_once('@') else { return DOTS.to_owned() };
    let Some((host, top)) = domain.rsplit_once('.') else { return format!("{}@{DOTS}", begin(local)) };
    let is_top = (2..=12).contains(&top.len()) && top.chars().all(char::is_alphabetic);
    if is_top { format!("{}@{}.{top}", begin(local), begin(host)) } else { DOTS.to_owned() }
}

fn phone(value: &str) -> String {
    let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        count if count >= PHONE_DIGITS_MIN => {
            DOTS.chars().chain(digits[count - 2..].iter().copied()).collect()
        }
        _ => DOTS.to_owned(),
    }
}

fn begin(value: &str) -> String {
    let first = value.chars().next().filter(|_| value.chars().nth(CHARS_MIN - 1).is_some());
    first.into_iter().chain(DOTS.chars()).collect()
}

fn code(value: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    match chars.len() {
        count if count >= CODE_CHARS_MIN => {
            chars[..2].iter().copied().chain(DOTS.chars()).chain(chars[count - 2..].iter().copied()).collect()
        }
        _ => DOTS.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_left_of_a_value_and_nothing_of_a_short_one() {
        for (kind, value, left) in [
            (Kind::Email, "amina.haddad@mail.example", "a•••@m•••.example"),
            (Kind::Email, "a@b.co", "•••@•••.co"),
            (Kind::Email, "not one", "•••"),
            (Kind::Phone, "+44 117 496 0142", "•••42"),
            (Kind::Phone, "112", "•••"),
            (Kind::Name, "Amina Haddad", "A•••"),
            (Kind::Name, "Li", "•••"),
            (Kind::Code, "LINEN-7K2QW", "LI•••QW"),
            (Kind::Code, "A1B2C3D", "•••"),
            (Kind::Other, "14 Larch Parade", "•••"),
            (Kind::Other, "", "•••"),
        ] {
            assert_eq!(dotted(kind, value), left, "{value}");
        }
    }
}
