/// A request makes many small pieces that other threads give back: an allocator made for that saves a tenth of the work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    callout::cli::main()
}
