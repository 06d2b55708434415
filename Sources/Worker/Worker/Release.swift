/// What this program is called and which one it is.
enum Release {
    static let version = "0.3.0"
}
