//! `luxury-brands completions`: the script with which a shell completes the commands.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::failure::UsageError;
use super::output::{self, Output};

#[derive(Debug, Args)]
#[command(after_help = "To load them:\n  bash: source <(luxury-brands completions bash)\n  \
    zsh:  luxury-brands completions zsh > \"${fpath[1]}/_luxury-brands\"\n  \
    fish: luxury-brands completions fish > ~/.config/fish/completions/luxury-brands.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

const NAME: &str = "luxury-brands";

/// The script of bash. clap_complete 4.6 writes the name of a program with a hyphen in two ways, `luxury__brands` and
/// `luxury__subcmd__brands`, and so finds no option of any command.
fn fixed(script: &str) -> Vec<u8> {
    script.replace(&NAME.replace('-', "__subcmd__"), &NAME.replace('-', "__")).into_bytes()
}

impl CompletionsArgs {
    pub(super) fn run(self, output: Output) -> Result<ExitCode> {
        if output.json {
            return Err(UsageError(anyhow!("--json does not apply: completions are a shell script")).into());
        }
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), NAME, &mut script);
        let script = match self.shell {
            Shell::Bash => fixed(&String::from_utf8(script)?),
            _ => script,
        };
        output::print_whole(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
