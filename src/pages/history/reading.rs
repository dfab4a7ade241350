//! How a list is read: its filters, whether it is followed, and which delivery is open beside it. All in its address.
use super::address::Address;
use super::query;

/// The address of a history page and what it says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The filters and the page: which deliveries are listed.
    pub filters: Address,
    /// The filters and whether the list is followed, without what is open beside it.
    pub listed: Address,
    whole: Address,
}

impl Reading {
    /// Reads it off a query.
    pub fn of(path: &str, query: &str) -> Self {
        let whole = query::read_whole(path, query);
        let listed = ["open", "attempt", "view"].iter().fold(whole.clone(), |left, name| left.drop_all(name));
        Self { filters: listed.drop_all("live"), listed, whole }
    }

    /// What is asked for, as it would be written.
    pub fn whole(&self) -> &Address {
        &self.whole
    }

    /// Whether the list is followed; only its first page can be.
    pub fn is_live(&self) -> bool {
        self.listed.one("live") == Some("1") && self.filters.one("cursor").is_none()
    }

    /// The delivery that is open beside the list, as the address names it.
    pub fn open(&self) -> Option<&str> {
        self.whole.one("open")
    }

    /// What of it is wanted: the attempt and the layout.
    pub fn attempt_and_view(&self) -> (Option<usize>, Option<&str>) {
        (self.whole.one("attempt").and_then(|number| number.parse().ok()), self.whole.one("view"))
    }

    /// The list without any filter, followed if this one is.
    pub fn bare(&self) -> String {
        let bare = self.filters.bare().to_owned();
        if self.is_live() { format!("{bare}?live=1") } else { bare }
    }

    /// The first page with the same filters, followed or not: the other of the two.
    pub fn switched(&self) -> String {
        let first = self.filters.drop_all("cursor");
        if self.is_live() { first.link() } else { first.with("live", "1") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_no_part_of_the_list_and_following_is_no_filter() {
        let reading = Reading::of("/h", "status=failed&live=1&open=whs_1&attempt=2&view=raw");
        assert_eq!(reading.filters.link(), "/h?status=failed");
        assert_eq!(reading.listed.with("open", "x"), "/h?status=failed&live=1&open=x");
        assert_eq!((reading.open(), reading.attempt_and_view()), (Some("whs_1"), (Some(2), Some("raw"))));
        assert_eq!((reading.switched(), reading.bare()), ("/h?status=failed".into(), "/h?live=1".into()));
        assert_eq!(Reading::of("/h", "").switched(), "/h?live=1");
    }
}
