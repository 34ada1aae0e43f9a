//! The root help with its groups, and a variable for each option.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, ColorChoice, Command, CommandFactory};

use super::Cli;

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

/// Lets a variable `LUXURY_BRANDS_<OPTION>` set each option.
fn with_variables(command: Command) -> Command {
    command.mut_args(with_variable).mut_subcommands(with_variables)
}

fn with_variable(arg: Arg) -> Arg {
    let Some(long) = arg.get_long() else { return arg };
    let variable = format!("LUXURY_BRANDS_{}", long.replace('-', "_").to_uppercase());
    // The root help states the rule once.
    let arg = arg.env(variable).hide_env(true);
    if matches!(arg.get_action(), ArgAction::SetTrue) { arg.value_parser(BoolishValueParser::new()) } else { arg }
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
