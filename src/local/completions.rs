//! `luxury-brands completions`: what a shell needs to complete the commands.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, print_whole};

#[derive(Debug, Args)]
#[command(after_help = "To load them:\n  bash: source <(luxury-brands completions bash)\n  \
    zsh:  luxury-brands completions zsh > \"${fpath[1]}/_luxury-brands\"\n  \
    fish: luxury-brands completions fish > ~/.config/fish/completions/luxury-brands.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "luxury-brands", &mut script);
        print_whole(&script)
    }
}
