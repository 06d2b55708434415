/// The version of this worker, for figures and listings.
package enum BuildVersion {
    package static let text = "0.3.0"
}
