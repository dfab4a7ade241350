//! `/reference`: every event type, by family and group, and the search over them.
use actix_web::http::StatusCode;
use askama::Template;

use super::search::{self, Found};
use crate::rules::catalogue::{self, EventType, Family};
use crate::web::page::page_or_block;
use crate::web::{Frame, Htmx, PageResult, Query, Section, Visitor, filters};

const TITLE: &str = "Event reference";

#[derive(Template)]
#[template(path = "reference/list.html", blocks = ["types"])]
struct ListPage {
    frame: Frame,
    q: String,
    family: &'static str,
    choices: Vec<Choice>,
    total: usize,
    /// Types that matched by name or description.
    count: usize,
    sections: Vec<OfFamily>,
    by_field: Vec<ByField>,
    suggestions: Vec<Suggestion>,
}

/// A family to look at, or all of them.
struct Choice {
    label: &'static str,
    count: usize,
    link: String,
    is_chosen: bool,
}

struct OfFamily {
    family: Family,
    description: &'static str,
    count: usize,
    groups: Vec<(&'static str, Vec<&'static EventType>)>,
}

struct ByField {
    event_type: &'static EventType,
    field: String,
}

struct Suggestion {
    text: String,
    link: String,
}

/// GET /reference?q=…&family=…
pub async fn list(visitor: Visitor, htmx: Htmx, Query(raw): Query) -> PageResult {
    let family: Option<Family> = raw.text("family").parse().ok();
    let q: String = raw.text("q").trim().chars().take(search::Q_CHARS_MAX).collect();
    let page = ListPage::of(visitor.frame(TITLE, Section::Reference), &q, family);
    page_or_block(htmx, StatusCode::OK, &page, &page.as_types())
}

impl ListPage {
    fn of(frame: Frame, q: &str, family: Option<Family>) -> Self {
        let Found { types, by_field, suggestions } = search::find(q, family);
        let matched = search::find(q, None);
        let counted = |of: Option<Family>| {
            let fields = matched.by_field.iter().map(|(event_type, _)| event_type);
            let all = matched.types.iter().chain(fields);
            all.filter(|event_type| of.is_none_or(|family| event_type.is_in(family))).count()
        };
        let choice = |label, of: Option<Family>| Choice {
            label,
            count: counted(of),
            link: link(q, of),
            is_chosen: of == family,
        };
        let mut choices = vec![choice("All", None)];
        choices.extend(Family::ALL.map(|family| choice(family.as_str(), Some(family))));
        Self {
            frame,
            q: q.to_owned(),
            family: family.map_or("", Family::as_str),
            choices,
            total: catalogue::all().len(),
            count: types.len(),
            sections: sections(&types, family),
            by_field: by_field.into_iter().map(|(event_type, field)| ByField { event_type, field }).collect(),
            suggestions: suggestions
                .into_iter()
                .map(|text| Suggestion { link: link(&text, None), text })
                .collect(),
        }
    }

    /// Whether the families' numbers add up to more than all: then the page says why.
    fn has_types_of_two_families(&self) -> bool {
        let (all, families) = self.choices.split_at(1);
        let sum = |choices: &[Choice]| choices.iter().map(|choice| choice.count).sum::<usize>();
        sum(families) > sum(all)
    }

    fn is_searched(&self) -> bool {
        !self.q.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.count == 0 && self.by_field.is_empty()
    }
}

/// By family and group, in the order of the catalogue. A type of two families stands in the first, or in the chosen.
fn sections(types: &[&'static EventType], chosen: Option<Family>) -> Vec<OfFamily> {
    let mut sections: Vec<OfFamily> = Vec::new();
    for family in Family::ALL.into_iter().filter(|family| chosen.is_none_or(|chosen| chosen == *family)) {
        let mut groups: Vec<(&str, Vec<&EventType>)> = Vec::new();
        let is_here = |t: &&&'static EventType| if chosen.is_some() { true } else { t.families[0] == family };
        for event_type in types.iter().filter(is_here) {
            match groups.iter_mut().find(|(group, _)| *group == event_type.group) {
                Some((_, types)) => types.push(event_type),
                None => groups.push((event_type.group, vec![event_type])),
            }
        }
        let count = groups.iter().map(|(_, types)| types.len()).sum();
        if count > 0 {
            sections.push(OfFamily { family, description: family.description(), count, groups });
        }
    }
    sections
}

fn link(q: &str, family: Option<Family>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if !q.is_empty() {
        query.append_pair("q", q);
    }
    if let Some(family) = family {
        query.append_pair("family", family.as_str());
    }
    format!("/reference?{}", query.finish()).trim_end_matches('?').to_owned()
}
