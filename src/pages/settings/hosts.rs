//! `/p/{project}/settings/general/hosts`: the hosts that a project sends to.
use actix_web::web::Data;
use diesel::PgConnection;

use super::general::GeneralPage;
use crate::base::clock::Wakeup;
use crate::base::db::{Db, DbError};
use crate::base::ids::ProjectId;
use crate::models::projects;
use crate::models::webhooks;
use crate::rules::target::AllowedHosts;
use crate::web::page::go_to;
use crate::web::session::{self, Session};
use crate::web::{Admin, Form, Htmx, PageResult};

/// The names of the webhooks that lead to other hosts: they get nothing.
pub(super) fn elsewhere(
    conn: &mut PgConnection,
    project: ProjectId,
    hosts: &AllowedHosts,
) -> Result<Vec<String>, DbError> {
    let webhooks = webhooks::list(conn, project)?.into_iter();
    let leading = webhooks.filter(|webhook| webhooks::leads_elsewhere(hosts, &webhook.settings.target_url));
    Ok(leading.map(|webhook| webhook.settings.name).collect())
}

/// POST /p/{project}/settings/general/hosts: one host a line.
pub async fn save(
    admin: Admin,
    (db, wakeup): (Data<Db>, Data<Wakeup>),
    (session, htmx): (Session, Htmx),
    Form(raw): Form,
) -> PageResult {
    let project = admin.project.id;
    let lines: Vec<&str> = raw.text("allowed_hosts").lines().collect();
    let hosts = match AllowedHosts::parse(&lines) {
        Ok(hosts) => hosts,
        Err(wrong) => return GeneralPage::refused_hosts(&admin, &db, &raw, &wrong).await?.answer(),
    };
    let names = db.transaction(move |conn| {
        projects::set_allowed_hosts(conn, project, &hosts)?;
        elsewhere(conn, project, &hosts)
    });
    let names = names.await?;
    wakeup.wake();
    match names.is_empty() {
        true => session::say(&session, "Saved.")?,
        false => session::say_refusal(&session, &format!("Saved. {}", elsewhere_words(&names)))?,
    }
    Ok(go_to(htmx, &admin.path("/settings/general#hosts")))
}

/// Which webhooks get nothing, in a sentence.
pub(super) fn elsewhere_words(names: &[String]) -> String {
    match names.split_last() {
        Some((one, [])) => format!("{one} leads to another host and gets nothing until this is changed."),
        Some((last, others)) => {
            let others = others.join(", ");
            format!("{others} and {last} lead to other hosts and get nothing until this is changed.")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_every_webhook() {
        assert!(elsewhere_words(&["Till".to_owned()]).starts_with("Till leads to another host"));
        let two = ["Till".to_owned(), "Desk".to_owned()];
        assert!(elsewhere_words(&two).starts_with("Till and Desk lead to other hosts"));
        assert_eq!(elsewhere_words(&[]), "");
    }
}
