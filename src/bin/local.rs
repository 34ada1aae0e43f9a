//! The same program as `luxury-brands`, under the name that it had first.

fn main() -> std::process::ExitCode {
    collector::local::main()
}
