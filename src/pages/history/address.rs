//! A list's filters as they stand in its address: one pair for each value, so that each can be taken off alone.
use time::OffsetDateTime;
use url::form_urlencoded;

/// Addresses hold at most so many filters; the rest is not looked at.
const PAIRS_MAX: usize = 60;

/// The filters of a list's address, in the order of `names`, without empty and doubled ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Address {
    /// Reads a query string; values of `lists` may also be separated by commas, as in the API, of other names the first
    /// value counts. Values with U+0000, which no text in Postgres can hold, are left out.
    pub fn read(path: &str, query: &str, names: &[&str], lists: &[&str]) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !names.contains(&&*name) {
                continue;
            }
            let is_list = lists.contains(&&*name);
            let parts = if is_list { value.split(',').collect() } else { vec![&*value] };
            for part in
                parts.into_iter().map(str::trim).filter(|part| !part.is_empty() && !part.contains('\0'))
            {
                let is_there = |pair: &(String, String)| pair.0 == name && (!is_list || pair.1 == part);
                if !pairs.iter().any(is_there) && pairs.len() < PAIRS_MAX {
                    pairs.push((name.to_string(), part.to_owned()));
                }
            }
        }
        pairs.sort_by_key(|(name, _)| names.iter().position(|known| known == name));
        Self { path: path.to_owned(), pairs }
    }

    /// The first value of a filter.
    pub fn one<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Every value of a filter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The pairs as they are.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The address without the page: no filter at all.
    pub fn bare(&self) -> &str {
        &self.path
    }

    /// The address with all its filters.
    pub fn link(&self) -> String {
        self.link_of(self.pairs.clone())
    }

    /// The address with one more filter.
    pub fn with(&self, name: &str, value: &str) -> String {
        let mut pairs = self.pairs.clone();
        pairs.push((name.to_owned(), value.to_owned()));
        self.link_of(pairs)
    }

    /// The address without one filter. Takes its name and its value.
    pub fn without(&self, name: &str, value: &str) -> String {
        let left = |pair: &&(String, String)| !(pair.0 == name && pair.1 == value);
        self.link_of(self.pairs.iter().filter(left).cloned().collect())
    }

    /// The same without any value of a filter.
    pub fn drop_all(&self, name: &str) -> Self {
        let left = |pair: &&(String, String)| pair.0 != name;
        Self { path: self.path.clone(), pairs: self.pairs.iter().filter(left).cloned().collect() }
    }

    /// The same with the values of one name under another.
    pub fn rename(mut self, from: &str, to: &str) -> Self {
        self.pairs.iter_mut().filter(|pair| pair.0 == from).for_each(|pair| to.clone_into(&mut pair.0));
        self
    }

    /// The filters alone, as they stand in an address after its question mark; empty for none.
    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish()
    }

    /// Whether two have the same filters, whatever the order of their values.
    pub fn is_like(&self, other: &Self) -> bool {
        let sorted = |address: &Self| {
            let mut pairs = address.pairs.clone();
            pairs.sort_unstable();
            pairs
        };
        sorted(self) == sorted(other)
    }

    fn link_of(&self, pairs: Vec<(String, String)>) -> String {
        if pairs.is_empty() {
            return self.path.clone();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}?{query}", self.path)
    }
}

/// A filter that is set, with the address of the list without it.
#[derive(Clone, Debug)]
pub struct Chip {
    /// What is filtered by.
    pub name: &'static str,
    /// The value in words.
    pub value: String,
    /// The moment that it is, if it is one.
    pub at: Option<OffsetDateTime>,
    /// The list without this filter.
    pub without: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_can_be_repeated_or_separated_by_commas() {
        let address =
            Address::read("/h", "q=a,b&status=failed,held&status=held&x=1&q=", &["status", "q"], &["status"]);
        assert_eq!(address.all("status").collect::<Vec<_>>(), ["failed", "held"]);
        assert_eq!(address.one("q"), Some("a,b"));
        assert_eq!(address.link(), "/h?status=failed&status=held&q=a%2Cb");
    }

    #[test]
    fn of_what_is_no_list_the_first_value_counts() {
        let address = Address::read("/h", "range=&range=1h&range=7d", &["range"], &[]);
        assert_eq!(address.link(), "/h?range=1h");
    }

    #[test]
    fn a_value_with_nul_is_left_out() {
        let address = Address::read("/h", "q=%00&type=a%00b,c", &["q", "type"], &["type"]);
        assert_eq!(address.link(), "/h?type=c");
    }

    #[test]
    fn a_filter_is_taken_off_alone() {
        let address = Address::read("/h", "status=failed&status=held", &["status"], &["status"]);
        assert_eq!(address.without("status", "failed"), "/h?status=held");
        assert_eq!(address.with("cursor", "a&b"), "/h?status=failed&status=held&cursor=a%26b");
        assert_eq!(address.drop_all("status").link(), "/h");
    }
}
