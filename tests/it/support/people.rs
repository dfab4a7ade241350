//! People, and their browsers after they signed in through the form.
use callout::base::ids::ProjectId;
use callout::models::accounts::password::PasswordHash;
use callout::models::accounts::{self, NewUser, User};
use callout::models::projects::members::{self, Role};

use super::app::App;
use super::client::{Answer, Client};
use super::factory::{self, Project};

/// Everybody's, until they change it.
pub const PASSWORD: &str = "a long enough one";

/// An owner of the installation, signed in.
pub fn owner(app: &App) -> Client {
    let user = person(app, "olive@example.com", "Olive Owner", true);
    signed_in(app, &user.email, PASSWORD)
}

/// Somebody with this role in a project, signed in. Their address is `<role>@example.com`.
pub fn member(app: &App, project: ProjectId, role: Role) -> Client {
    let user = person(app, &format!("{role}@example.com"), &format!("Mo {role}"), false);
    members::set(&mut app.db.conn(), project, user.id, role, app.clock.now()).expect("give a role");
    signed_in(app, &user.email, PASSWORD)
}

/// Somebody who can sign in.
pub fn person(app: &App, email: &str, name: &str, is_owner: bool) -> User {
    let new = NewUser::new(email, name, is_owner).expect("an address and a name");
    accounts::create(&mut app.db.conn(), &new, &PasswordHash::of(PASSWORD), app.clock.now())
        .expect("create a person")
}

/// A browser in which somebody signed in.
pub fn signed_in(app: &App, email: &str, password: &str) -> Client {
    let browser = app.client();
    sign_in(&browser, email, password).expect(303);
    browser
}

/// Fills in the form and sends it.
pub fn sign_in(browser: &Client, email: &str, password: &str) -> Answer {
    let form = browser.get("/sign-in").expect(200).page().form("form[action='/sign-in']");
    browser.submit("/sign-in", &form.with("email", email).with("password", password))
}

/// A program with one project, its admin, and where the pages of its webhooks are.
pub fn at_webhooks() -> (App, Project, Client, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let admin = member(&app, project.id, Role::Admin);
    let path = format!("/p/{}/settings/webhooks", project.id);
    (app, project, admin, path)
}
