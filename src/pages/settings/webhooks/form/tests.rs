use super::*;
use crate::models::webhooks::Ground;
use crate::rules::catalogue::own::OwnNames;
use crate::rules::target::{AllowedHosts, Policy};

fn sent(pairs: &[(&str, &str)]) -> Fields {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Fields::typed(&RawForm(pairs.collect()))
}

const WHOLE: [(&str, &str); 10] = [
    ("name", "Shop"),
    ("target_url", "https://shop.example/webhooks"),
    ("which", "chosen"),
    ("events", "voucher.created"),
    ("timeout_s", "2,5"),
    ("rate_per_s", " 20 "),
    ("retries", "own"),
    ("waits", "10, 60"),
    ("success", "200"),
    ("body", "flat"),
];

#[test]
fn what_is_saved_comes_back_into_the_form_as_it_was_typed() {
    let fields = sent(&WHOLE);
    let (draft, problems) = fields.draft();
    assert_eq!(problems, []);
    let settings = draft
        .onto(
            Settings::default(),
            &Ground {
                policy: &Policy::default(),
                hosts: &AllowedHosts::default(),
                own: &OwnNames::default(),
                stored: None,
                is_new: true,
                now: time::OffsetDateTime::UNIX_EPOCH,
            },
        )
        .unwrap();
    assert_eq!(settings.timeout_ms, 2_500);
    let back = Fields::of(&settings);
    assert_eq!((back.timeout_s.as_str(), back.rate_per_s.as_str()), ("2.5", "20"));
    assert_eq!((back.retries.as_str(), back.waits.as_str()), ("own", "10, 60"));
    assert_eq!(back.events, fields.events);
    assert_eq!((back.body.as_str(), back.success.as_str()), ("flat", "200"));
}

#[test]
fn a_time_limit_out_of_range_is_told_in_seconds() {
    for wrong in ["", "0.9", "31", "ten", "NaN"] {
        let mut fields = sent(&WHOLE);
        fields.timeout_s = wrong.to_owned();
        let problems = fields.draft().1;
        assert_eq!(problems.len(), 1, "{wrong}");
        assert!(problems[0].message.contains("1 to 30 seconds"));
    }
}

#[test]
fn a_rate_out_of_range_is_told_with_what_is_accepted_and_an_empty_one_is_no_limit() {
    for wrong in ["0", "1001", "-1", "2.5", "many", "99999999999999999999"] {
        let mut fields = sent(&WHOLE);
        fields.rate_per_s = wrong.to_owned();
        let problems = fields.draft().1;
        assert_eq!(problems.len(), 1, "{wrong}");
        assert!(problems[0].message.contains("from 1 to 1,000"), "{}", problems[0].message);
    }
    let mut fields = sent(&WHOLE);
    fields.rate_per_s = "1,000".to_owned();
    assert_eq!(fields.draft().0.rate_per_s, Some(Some(1_000)), "as its hint writes it");
    fields.rate_per_s = " ".to_owned();
    let (draft, problems) = fields.draft();
    assert_eq!((draft.rate_per_s, problems), (Some(None), Vec::new()));
}

#[test]
fn own_waits_that_cannot_be_read_are_told() {
    let mut fields = sent(&WHOLE);
    fields.waits = "soon".to_owned();
    let problem = fields.draft().1.remove(0);
    assert_eq!(problem.field, "waits");
    assert!(problem.message.contains("such as 10, 60, 300"), "{}", problem.message);
}
