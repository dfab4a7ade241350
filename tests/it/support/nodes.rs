//! More than one program on one database.
use super::app::App;

/// A second program beside the first: its own node, the same database, key and clock.
///
/// Ask the first one for rows and for the clock; the second one's own are not in use.
pub fn beside(first: &App) -> App {
    let (url, clock, data_dir) = (first.db.url(), first.clock.clone(), first.parts.config.data_dir.clone());
    App::start_with(move |config, overrides| {
        std::fs::create_dir_all(&config.data_dir).expect("a folder");
        // What one sealed, the other must open.
        std::fs::copy(data_dir.join("secret.key"), config.data_dir.join("secret.key")).expect("the key");
        config.database_url = Some(url);
        overrides.clock = Some(clock);
    })
}
