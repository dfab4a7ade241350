use time::macros::datetime;

use super::*;

const MINUTE: u64 = 60;

fn all_waits(retries: &Retries) -> Vec<u64> {
    (0..).map_while(|used| retries.next_wait(used)).map(|wait| wait.as_secs()).collect()
}

#[test]
fn doubling_24h_holds_the_published_moments_since_the_first_attempt() {
    let mut since_first = 0;
    let moments: Vec<u64> = all_waits(&Retries::Doubling24h)
        .into_iter()
        .map(|wait| {
            since_first += wait;
            since_first / MINUTE
        })
        .collect();
    assert_eq!(moments, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 24 * 60]);
}

#[test]
fn the_other_schedules_wait_as_they_say() {
    assert_eq!(all_waits(&Retries::Three), [10, 60, 300]);
    assert!(all_waits(&Retries::None).is_empty());
    assert_eq!(all_waits(&Retries::custom(vec![5, 1]).unwrap()), [5, 1]);
    assert_eq!(Retries::Doubling24h.next_wait(u32::MAX), None);
    for retries in [Retries::Doubling24h, Retries::Three, Retries::None] {
        assert_eq!(retries.count(), all_waits(&retries).len());
    }
}

#[test]
fn retries_are_the_same_json_in_both_directions() {
    for (json, retries) in [
        (r#""doubling-24h""#, Retries::Doubling24h),
        (r#""three""#, Retries::Three),
        (r#""none""#, Retries::None),
        ("[1,604800]", Retries::custom(vec![1, 604_800]).unwrap()),
        ("[]", Retries::custom(vec![]).unwrap()),
    ] {
        assert_eq!(serde_json::from_str::<Retries>(json).unwrap(), retries);
        assert_eq!(serde_json::to_string(&retries).unwrap(), json);
    }
}

#[test]
fn lists_stay_within_thirty_waits_of_a_second_to_seven_days() {
    let read = |json: &str| serde_json::from_str::<Retries>(json).map_err(|error| error.to_string());
    assert!(read(&format!("[{}]", ["1"; 30].join(","))).is_ok());
    assert!(read(&format!("[{}]", ["1"; 31].join(","))).unwrap_err().contains("at most 30"));
    for bad in ["[0]", "[604801]", "[-1]", "[99999999999]"] {
        assert!(read(bad).unwrap_err().contains("1 second to 7 days"), "{bad}");
    }
    for bad in [r#""often""#, "[1.5]", "true", r#"["1"]"#, "7", "null"] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn retries_are_the_same_text_in_both_directions() {
    for text in ["doubling-24h", "three", "none", "10, 60, 300"] {
        assert_eq!(text.parse::<Retries>().unwrap().to_string(), text);
    }
    assert_eq!(" 10 60,300 ".parse::<Retries>().unwrap(), Retries::custom(vec![10, 60, 300]).unwrap());
    assert_eq!("".parse::<Retries>(), Err(RetriesError::Unknown));
    assert_eq!("ten".parse::<Retries>(), Err(RetriesError::Unknown));
    assert_eq!("99999999999".parse::<Retries>(), Err(RetriesError::OutOfRange));
}

#[test]
fn jitter_stays_within_a_tenth() {
    let wait = Duration::from_secs(100);
    assert_eq!(jittered(wait, 0.0), Duration::from_secs(90));
    assert_eq!(jittered(wait, 0.5), Duration::from_secs(100));
    assert_eq!(jittered(wait, 1.0), Duration::from_secs(110));
    assert_eq!(jittered(wait, 7.0), Duration::from_secs(110));
}

#[test]
fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
    let now = datetime!(1994-11-06 08:49:00 UTC);
    let asked = |value: &str| parse_retry_after(value, now);
    assert_eq!(asked("120"), Some(Duration::from_secs(120)));
    assert_eq!(asked(" 0 "), Some(Duration::ZERO));
    assert_eq!(asked("86401"), Some(RETRY_AFTER_MAX));
    assert_eq!(asked("99999999999999999999999"), Some(RETRY_AFTER_MAX));
    assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(37)));
    assert_eq!(asked("Sun, 06 Nov 1994 08:48:37 GMT"), Some(Duration::ZERO));
    assert_eq!(asked("Thu, 06 Nov 2194 08:49:37 GMT"), Some(RETRY_AFTER_MAX));
    for bad in ["", "-1", "1.5", "soon", "Sun, 06 Nov"] {
        assert_eq!(asked(bad), None, "{bad}");
    }
}

fn after(retries: Retries, when_used_up: WhenUsedUp, failed: Failed) -> Next {
    after_failure(&retries, when_used_up, failed, 0.5)
}

const FIRST: Failed = Failed { retries_used: 0, status: Some(500), retry_after: None };

#[test]
fn a_failure_is_retried_until_the_retries_are_used_up() {
    let three = |used| after(Retries::Three, WhenUsedUp::Fail, Failed { retries_used: used, ..FIRST });
    assert_eq!(three(0), Next::RetryIn(Duration::from_secs(10)));
    assert_eq!(three(2), Next::RetryIn(Duration::from_secs(300)));
    assert_eq!(three(3), Next::GiveUp { disable: None });
    let last = Failed { retries_used: 12, ..FIRST };
    assert_eq!(
        after(Retries::Doubling24h, WhenUsedUp::Disable, last),
        Next::GiveUp { disable: Some(DisableKind::RetriesUsedUp) }
    );
}

#[test]
fn a_410_gives_up_at_once_and_disables() {
    let gone = Failed { status: Some(410), retry_after: Some(Duration::from_secs(1)), ..FIRST };
    let disabled = Next::GiveUp { disable: Some(DisableKind::Gone) };
    assert_eq!(after(Retries::Doubling24h, WhenUsedUp::Fail, gone), disabled);
    assert_eq!(after(Retries::None, WhenUsedUp::Disable, gone), disabled);
}

#[test]
fn retry_after_lengthens_a_wait_but_never_shortens_it_nor_grants_one() {
    let asked = |seconds| Failed { retry_after: Some(Duration::from_secs(seconds)), ..FIRST };
    let fail = WhenUsedUp::Fail;
    assert_eq!(after(Retries::Three, fail, asked(120)), Next::RetryIn(Duration::from_secs(120)));
    assert_eq!(after(Retries::Three, fail, asked(1)), Next::RetryIn(Duration::from_secs(10)));
    assert_eq!(after(Retries::Three, fail, asked(1_000_000)), Next::RetryIn(RETRY_AFTER_MAX));
    assert_eq!(after(Retries::None, fail, asked(120)), Next::GiveUp { disable: None });
}

#[test]
fn success_is_any_2xx_or_exactly_200() {
    let accepted = |success: Success| {
        [199, 200, 202, 204, 299, 300, 302]
            .into_iter()
            .filter(|status| success.accepts(*status))
            .collect::<Vec<_>>()
    };
    assert_eq!(accepted(Success::Any2xx), [200, 202, 204, 299]);
    assert_eq!(accepted(Success::Only200), [200]);
}

#[test]
fn the_words_are_those_of_the_api() {
    for success in [Success::Any2xx, Success::Only200] {
        assert_eq!(serde_json::to_value(success).unwrap(), success.as_str());
        assert_eq!(Success::parse(success.as_str()), Some(success));
    }
    for choice in [WhenUsedUp::Fail, WhenUsedUp::Disable] {
        assert_eq!(serde_json::to_value(choice).unwrap(), choice.as_str());
        assert_eq!(WhenUsedUp::parse(choice.as_str()), Some(choice));
    }
    assert_eq!((Success::parse("3xx"), WhenUsedUp::parse("stop")), (None, None));
}
