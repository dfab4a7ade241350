fn main() -> std::process::ExitCode {
    callout::cli::main()
}
