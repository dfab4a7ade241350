fn main() {
    // The migrations are part of the binary, but the compiler only knows of those that were there last time.
    println!("cargo::rerun-if-changed=migrations");
}
