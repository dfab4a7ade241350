//! The settings as flags: every row of [`config::SETTINGS`](crate::base::config::SETTINGS) for `serve`, and the two
//! that say where the database is for every other command.
use std::collections::HashMap;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::base::config::{Config, SETTINGS, Setting, WrongSetting, WrongSettings};
use crate::rules::target::parse_allow_list;

/// All settings.
#[derive(Clone, Debug, Default)]
pub struct ServeFlags(HashMap<&'static str, String>);

/// Where the database is; all other settings come from the environment alone.
#[derive(Clone, Debug, Default)]
pub struct PlaceFlags(HashMap<&'static str, String>);

impl ServeFlags {
    /// Flags first, then the environment.
    pub fn config(&self) -> Result<Config, WrongSettings> {
        read(&self.0)
    }

    /// Whether a setting is given, as a flag or in the environment.
    pub fn gives(&self, variable: &str) -> bool {
        let in_environment = || std::env::var(variable).is_ok_and(|text| !text.trim().is_empty());
        self.0.contains_key(variable) || in_environment()
    }
}

impl PlaceFlags {
    /// Flags first, then the environment.
    pub fn config(&self) -> Result<Config, WrongSettings> {
        read(&self.0)
    }
}

fn read(given: &HashMap<&'static str, String>) -> Result<Config, WrongSettings> {
    let text = |variable: &str| given.get(variable).cloned().or_else(|| std::env::var(variable).ok());
    let wrong_targets = text("CALLOUT_ALLOW_TARGETS").and_then(|list| {
        let entry = list.split(',').find(|entry| parse_allow_list(entry).is_err())?;
        Some(WrongSetting {
            variable: "CALLOUT_ALLOW_TARGETS",
            value: entry.trim().to_owned(),
            accepted:
                "networks (10.0.0.0/8), addresses (10.1.2.3) and host:port (localhost:9000, [::1]:9000), \
                       separated by commas"
                    .to_owned(),
        })
    });
    match (Config::read(text), wrong_targets) {
        (Ok(config), None) => Ok(config),
        (Ok(_), Some(wrong)) => Err(WrongSettings(vec![wrong])),
        (Err(mut all), wrong) => {
            all.0.extend(wrong);
            Err(all)
        }
    }
}

fn is_place(setting: &Setting) -> bool {
    matches!(setting.flag, "data-dir" | "database-url")
}

fn augment(command: Command, wanted: impl Fn(&Setting) -> bool) -> Command {
    SETTINGS.iter().filter(|setting| wanted(setting)).fold(command, |command, setting| {
        let mut arg = Arg::new(setting.flag)
            .long(setting.flag)
            .value_name("VALUE")
            .env(setting.variable)
            .hide_env_values(true)
            // So that a number below what is accepted gets the setting's own answer.
            .allow_negative_numbers(true)
            .help(format!("{} [default: {}]", setting.meaning, setting.default).replace('`', ""));
        if setting.flag == "allow-http" {
            arg = arg.num_args(0..=1).default_missing_value("true");
        }
        command.arg(arg)
    })
}

/// Only what stands on the command line: the environment is asked later, so that an empty variable is an unset one.
fn taken(matches: &ArgMatches, wanted: impl Fn(&Setting) -> bool) -> HashMap<&'static str, String> {
    let on_line = |flag| matches.value_source(flag) == Some(ValueSource::CommandLine);
    SETTINGS
        .iter()
        .filter(|setting| wanted(setting) && on_line(setting.flag))
        .filter_map(|setting| Some((setting.variable, matches.get_one::<String>(setting.flag)?.clone())))
        .collect()
}

macro_rules! as_clap_args {
    ($name:ident, $wanted:expr) => {
        impl clap::FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(taken(matches, $wanted)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0.extend(taken(matches, $wanted));
                Ok(())
            }
        }

        impl clap::Args for $name {
            fn augment_args(command: Command) -> Command {
                augment(command, $wanted)
            }

            fn augment_args_for_update(command: Command) -> Command {
                augment(command, $wanted)
            }
        }
    };
}

as_clap_args!(ServeFlags, |_: &Setting| true);
as_clap_args!(PlaceFlags, is_place);
