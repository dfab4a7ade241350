//! The sample data: loaded from the list of projects, removed after saying what goes.
use std::time::Duration;

use actix_web::web::Data;
use askama::Template;
use diesel::{Connection, PgConnection};

use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::ProjectId;
use crate::base::seal::SealKey;
use crate::models::sample::{self, Loaded, Sample, SampleError};
use crate::models::{deliveries, projects};
use crate::web::page::{go_to, page};
use crate::web::session::{self, Session};
use crate::web::{Frame, Htmx, Owner, PageError, PageResult, Section, filters};

/// An attempt under way ends within its webhook's time limit, 30 s at most, and is written down a moment later: removal
/// waits so long for it, since a row that came afterwards would belong to nobody.
const WAIT_MAX: Duration = Duration::from_secs(33);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// After an error a removal goes on when this has passed.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// Said where there is nothing to remove.
const NONE: &str = "There is no sample data.";

/// Names what is deleted.
#[derive(Template)]
#[template(path = "sample/remove.html")]
struct RemovePage {
    frame: Frame,
    project: String,
    overview: String,
}

impl From<SampleError> for PageError {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::NameTaken => Self::Unavailable("the sample's name was taken meanwhile".to_owned()),
            SampleError::Gone => Self::NotFound("The sample was removed meanwhile."),
            SampleError::Db(error) => error.into(),
        }
    }
}

/// What a project is to the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is a real one.
    Other,
    /// It is the sample's.
    Sample,
    /// It is the sample's and is being removed.
    Leaving,
}

impl Standing {
    pub(super) fn of(conn: &mut PgConnection, project: ProjectId) -> Result<Self, DbError> {
        Ok(match sample::find(conn)?.filter(|sample| sample.project == project) {
            None => Self::Other,
            Some(sample) if sample.removal_began_at.is_some() => Self::Leaving,
            Some(_) => Self::Sample,
        })
    }

    pub(super) fn is_sample(&self) -> bool {
        *self != Self::Other
    }

    pub(super) fn is_leaving(&self) -> bool {
        *self == Self::Leaving
    }
}

/// POST /sample: loads the sample data if there is none, and goes to it.
pub async fn load(
    _: Owner,
    (db, clock, key): (Data<Db>, Data<Clock>, Data<SealKey>),
    htmx: Htmx,
    session: Session,
) -> PageResult {
    let (now, key) = (clock.now(), SealKey::clone(&key));
    let loaded = db
        .run_long(move |conn| {
            // Without a place of their own for past days, rows go to the common one: no reason not to load.
            if let Err(error) = deliveries::make_behind(conn, sample::first_day(now), now) {
                tracing::warn!(%error, "the days behind have no partitions");
            }
            conn.transaction(|conn| sample::load(conn, &key, now))
        })
        .await?;
    if matches!(loaded, Loaded::New(_)) {
        session::say(&session, "The sample data is loaded. Look around: nothing here is real.")?;
    }
    Ok(go_to(htmx, &format!("/p/{}/overview", loaded.project().id)))
}

/// GET /sample, which the browser may ask for again: the sample's project, or the list.
pub async fn go_to_sample(_: Owner, db: Data<Db>, htmx: Htmx) -> PageResult {
    match db.run(sample::find).await? {
        Some(sample) => Ok(go_to(htmx, &format!("/p/{}/overview", sample.project))),
        None => Ok(go_to(htmx, "/")),
    }
}

/// GET /sample/remove: says what would go.
pub async fn confirm_removal(Owner(person): Owner, db: Data<Db>, htmx: Htmx, session: Session) -> PageResult {
    let found = db.run(|conn| match sample::find(conn)? {
        Some(sample) => projects::find(conn, sample.project),
        None => Ok(None),
    });
    let Some(project) = found.await? else {
        session::say(&session, NONE)?;
        return Ok(go_to(htmx, "/"));
    };
    page(&RemovePage {
        frame: person.frame("Remove the sample data?", Section::Projects),
        overview: format!("/p/{}/overview", project.id),
        project: project.name,
    })
}

/// POST /sample/remove: deletes the sample's project and everything in it, and nothing else.
pub async fn remove(
    _: Owner,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    session: Session,
) -> PageResult {
    let now = clock.now();
    let Some(sample) = db.transaction(move |conn| sample::stop(conn, now)).await? else {
        session::say(&session, NONE)?;
        return Ok(go_to(htmx, "/"));
    };
    wakeup.wake();
    remove_stopped(&db, sample).await?;
    session::say(&session, "The sample data was removed.")?;
    Ok(go_to(htmx, "/"))
}

/// Finishes a removal that an end of the program cut short, if there is one: to be called when it starts. Tries again
/// until it is done.
pub async fn finish_removal(db: Db) {
    loop {
        match finish_once(&db).await {
            Ok(false) => return,
            Ok(true) => return tracing::info!("the sample data, whose removal had been cut short, is gone"),
            Err(error) => tracing::warn!(%error, "the sample data is not gone yet; it is tried again"),
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn finish_once(db: &Db) -> Result<bool, SampleError> {
    let found = db.run(sample::find).await?.filter(|sample| sample.removal_began_at.is_some());
    let Some(sample) = found else { return Ok(false) };
    remove_stopped(db, sample).await?;
    Ok(true)
}

/// All steps of a removal but the first.
async fn remove_stopped(db: &Db, sample: Sample) -> Result<(), SampleError> {
    wait_for_attempts(db, sample).await?;
    // Twice: what was accepted in the moment of stopping is gone after the second.
    forget(db, sample).await?;
    db.transaction(move |conn| sample::finish(conn, sample)).await?;
    forget(db, sample).await
}

async fn wait_for_attempts(db: &Db, sample: Sample) -> Result<(), SampleError> {
    let mut left = WAIT_MAX.as_millis() / LOOK_AGAIN.as_millis();
    while left > 0 && db.run(move |conn| sample::under_way(conn, sample)).await? > 0 {
        tokio::time::sleep(LOOK_AGAIN).await;
        left -= 1;
    }
    Ok(())
}

async fn forget(db: &Db, sample: Sample) -> Result<(), SampleError> {
    while db.transaction(move |conn| sample::forget_some(conn, sample)).await? > 0 {}
    Ok(())
}
