use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::*;

/// `family/type` of every file in `samples` or `schemas`.
fn files(kind: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules/catalogue").join(kind);
    let mut found = BTreeSet::new();
    for folder in root.read_dir().unwrap() {
        let folder = folder.unwrap().path();
        for file in folder.read_dir().unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let stem = name.strip_suffix(".json").expect("only JSON belongs here");
            found.insert(format!("{}/{stem}", folder.file_name().unwrap().to_str().unwrap()));
        }
    }
    found
}

#[test]
fn lists_samples_and_schemas_name_the_same_types() {
    let listed: BTreeSet<String> = list::LISTS
        .iter()
        .flat_map(|(family, types)| {
            types.iter().map(move |event_type| format!("{family}/{}", event_type.name))
        })
        .collect();
    assert_eq!(listed, files("samples"));
    assert_eq!(listed, files("schemas"));
}

#[test]
fn every_type_has_a_name_of_its_own_and_is_found_by_it() {
    let names: BTreeSet<&str> = all().iter().map(|event_type| event_type.name).collect();
    assert_eq!(names.len(), all().len());
    for event_type in all() {
        assert_eq!(find(event_type.name).unwrap().name, event_type.name);
    }
    assert!(find("redemption").is_none());
}

#[test]
fn every_family_has_its_number_of_types() {
    let counts = Family::ALL.map(|family| of(family).count());
    assert_eq!(counts, [65, 27, 2, 2, 8, 3]);
}

#[test]
fn every_sample_fits_its_schema() {
    for event_type in all() {
        let schema: Value = serde_json::from_str(event_type.schema()).unwrap();
        let sample: Value = serde_json::from_str(event_type.sample()).unwrap();
        assert_eq!(schema["title"], event_type.name);
        assert_eq!(schema["description"], event_type.description);
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap_or_else(|error| panic!("schema of {}: {error}", event_type.name));
        let faults: Vec<String> = validator
            .iter_errors(&sample)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "sample of {}: {faults:#?}", event_type.name);
        assert!(schema["properties"].is_object() && sample.is_object(), "{}", event_type.name);
        for key in sample.as_object().unwrap().keys() {
            assert!(schema["properties"].get(key).is_some(), "{}: `{key}` is not described", event_type.name);
        }
    }
}

#[test]
fn every_payload_that_no_source_documents_is_marked() {
    let designed = |family| of(family).filter(|event_type| !event_type.documented).count();
    assert_eq!(Family::ALL.map(designed), [16, 0, 0, 0, 8, 3]);
}

#[test]
fn ids_tell_the_family_of_the_event() {
    let expected = [
        ("redemption.succeeded", "evred_"),
        ("publication.succeeded", "evpub_"),
        ("customer.order.paid", "evcus_"),
        ("voucher.gift.balance_added", "evvou_"),
        ("campaign.created", "evcam_"),
        ("business_validation_rule.created", "evbvr_"),
        ("manual_distribution_schedule", "ev_"),
        ("prize.assigned", "ev_"),
        ("custom.visit", "ev_"),
        ("", "ev_"),
    ];
    for (name, prefix) in expected {
        assert_eq!(id_prefix(name), prefix, "{name}");
        assert!(find(name).is_none_or(|event_type| event_type.id_prefix == prefix));
    }
}

#[test]
fn a_misspelt_type_brings_up_the_right_one() {
    assert_eq!(nearest("redemption.suceeded", 3)[0], "redemption.succeeded");
    assert_eq!(nearest("voucher.gift.balance_aded", 1), ["voucher.gift.balance_added"]);
    assert_eq!(nearest("vuocher.created", 1), ["voucher.created"]);
    assert_eq!(nearest("redemption.succeeded", 5).len(), 5);
    assert!(nearest("something else", 3).is_empty());
    assert!(nearest(&"redemption.".repeat(100), 3).is_empty());
}

#[test]
fn every_type_is_in_exactly_one_group() {
    let groups = groups();
    let names: BTreeSet<&str> = groups.iter().map(|(group, _)| *group).collect();
    assert_eq!(names.len(), groups.len());
    assert_eq!(groups.iter().map(|(_, types)| types.len()).sum::<usize>(), all().len());
    let gift = groups.iter().find(|(group, _)| *group == "voucher.gift").unwrap();
    assert_eq!(gift.1.len(), 2);
}

#[test]
fn a_family_is_known_by_its_name() {
    for family in Family::ALL {
        assert_eq!(family.as_str().parse(), Ok(family));
        assert_eq!(serde_json::to_value(family).unwrap(), family.as_str());
    }
    assert_eq!("Project".parse::<Family>(), Err(UnknownFamily));
}
