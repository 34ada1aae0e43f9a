//! The root help with its groups, and a variable for each option.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ColorChoice, Command, CommandFactory};

use super::Cli;
use collector::similar::did_you_mean;

/// The commands as `--help` groups them. clap has no groups of commands.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Collect", &["brand_media", "hashtag", "token", "watch", "retry"]),
    ("Set up", &["init", "check", "plan", "hashtag-ids", "add-account"]),
    ("Use", &["report", "schema"]),
    ("Scale", &["shard"]),
    ("Sandbox", &["sandbox"]),
    ("Shell", &["completions"]),
];

/// The whole command line.
pub(super) fn command(color: ColorChoice) -> Command {
    let command = with_variables(Cli::command()).color(color);
    let heading = *command.get_styles().get_header();
    let groups = GROUPS.map(|(group, names)| {
        let line = |name: &&str| {
            let about = command.find_subcommand(name).and_then(Command::get_about).cloned().unwrap_or_default();
            format!("  {name:<13}{about}\n")
        };
        format!("{heading}{group}:{heading:#}\n{}\n", names.iter().map(line).collect::<String>())
    });
    let template = format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{}{heading}{GLOBAL}:{heading:#}\n{{options}}{{after-help}}",
        groups.concat()
    );
    command.help_template(template)
}

/// The heading of the options that each command has.
pub(super) const GLOBAL: &str = "Global options";

/// What the names of the options' variables begin with.
const PREFIX: &str = "LUXURY_BRANDS_";

/// Lets a variable `LUXURY_BRANDS_<OPTION>` set each option.
fn with_variables(command: Command) -> Command {
    command.mut_args(with_variable).mut_subcommands(with_variables)
}

/// Whether a variable has a value. An empty one counts as not set, as in the function.
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// The variable of an option.
fn variable(option: &str) -> String {
    format!("{PREFIX}{}", option.replace('-', "_").to_uppercase())
}

fn with_variable(arg: Arg) -> Arg {
    let Some(long) = arg.get_long() else { return arg };
    let variable = variable(long);
    // The root help states the rule once.
    let arg = if is_set(&variable) { arg.env(variable).hide_env(true) } else { arg };
    if matches!(arg.get_action(), ArgAction::SetTrue) { arg.value_parser(switch) } else { arg }
}

/// Whether a variable sets an option without a value.
fn switch(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("true or false expected".to_owned()),
    }
}

/// The variable that sets one of the options that an error is about; `None` if the command line sets them.
pub(super) fn refused_variable(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(arg)) => arg.split([' ', '=']).next(),
        _ => None,
    };
    let is_given = |option: &str| {
        arguments.iter().filter_map(|argument| argument.to_str()).any(|text| text.split('=').next() == Some(option))
    };
    let options = [ContextKind::InvalidArg, ContextKind::PriorArg].into_iter().filter_map(named);
    let variables = options.filter(|option| !is_given(option)).filter_map(|option| option.strip_prefix("--"));
    variables.map(variable).find(|variable| is_set(variable))
}

/// The variables of all options.
fn variables(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|arg| arg.get_long().map(variable));
    own.chain(command.get_subcommands().flat_map(variables)).collect()
}

/// The error for a variable `LUXURY_BRANDS_...` that sets no option of any command. Without the error, a misspelt
/// `LUXURY_BRANDS_SANDBOX` would let a command work on real data.
pub(super) fn unknown_variable(command: &Command) -> Option<String> {
    let known = variables(command);
    let mut set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = set.find(|name| name.starts_with(PREFIX) && is_set(name) && !known.contains(name))?;
    let meant = did_you_mean(&unknown, known.iter().map(String::as_str));
    Some(format!("error: the variable {unknown} sets no option{meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        command(ColorChoice::Auto).debug_assert();
    }

    #[test]
    fn the_groups_have_every_command_once() {
        let cli = Cli::command();
        let mut commands: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
        let mut grouped = GROUPS.map(|(_, names)| names).concat();
        commands.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, commands);
    }

    #[test]
    fn every_command_is_one_short_line_of_the_help() {
        let help = command(ColorChoice::Never).render_help().to_string();
        assert!(help.lines().all(|line| line.len() <= 100), "{help}");
        let (commands, globals) = help.split_once("Global options:").unwrap();
        assert!(commands.contains("\nCollect:\n  brand_media  ") && globals.contains("--json"), "{help}");
    }
}
