//! The collector from a terminal: `cargo run -- --help`.

fn main() -> std::process::ExitCode {
    collector::local::main()
}
