//! What of a project's personal data is masked, beside the defaults or instead of them.
use diesel::prelude::*;

use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::base::schema::mask_rules;
use crate::rules::masks::{Field, Rule, Rules};

/// A project's own rules, by field.
pub fn own_rules(conn: &mut PgConnection, project: ProjectId) -> Result<Vec<Rule>, DbError> {
    let rows: Vec<(String, String)> = mask_rules::table
        .filter(mask_rules::project_id.eq(project))
        .order(mask_rules::field)
        .select((mask_rules::field, mask_rules::kind))
        .load(conn)?;
    // What a newer version wrote and this one cannot read masks nothing here: the defaults still do.
    let rule = |(field, kind): (String, String)| {
        Some(Rule { field: Field::parse(&field).ok()?, kind: kind.parse().ok()? })
    };
    Ok(rows.into_iter().filter_map(rule).collect())
}

/// All rules that hold in a project.
pub fn rules(conn: &mut PgConnection, project: ProjectId) -> Result<Rules, DbError> {
    Ok(Rules::with(own_rules(conn, project)?))
}

/// Puts these rules in the place of all that the project had of its own.
pub fn set_rules(conn: &mut PgConnection, project: ProjectId, rules: &[Rule]) -> Result<(), DbError> {
    diesel::delete(mask_rules::table.filter(mask_rules::project_id.eq(project))).execute(conn)?;
    let rows: Vec<_> = rules
        .iter()
        .map(|rule| {
            (
                mask_rules::project_id.eq(project),
                mask_rules::field.eq(rule.field.as_str()),
                mask_rules::kind.eq(rule.kind.as_str()),
            )
        })
        .collect();
    diesel::insert_into(mask_rules::table).values(rows).on_conflict_do_nothing().execute(conn)?;
    Ok(())
}
