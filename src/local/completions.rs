//! `local completions`: what a shell needs to complete the commands.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, print_whole};

#[derive(Debug, Args)]
#[command(after_help = "To load them:\n  bash: source <(local completions bash)\n  \
    zsh:  local completions zsh > \"${fpath[1]}/_local\"\n  \
    fish: local completions fish > ~/.config/fish/completions/local.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "local", &mut script);
        print_whole(&script)
    }
}
