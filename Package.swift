// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target compiles under the same strict settings, so code can move between targets unchanged.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // A worker has one thread that runs Swift (a test counts them), so its reference counts need no atomic operations.
    // Exclusive access and the isolation of callbacks are checked by the compiler and, at run time, in the debug builds
    // that the tests use.
    .unsafeFlags(
        [
            "-enforce-exclusivity=unchecked", "-cross-module-optimization", "-Xfrontend", "-assume-single-threaded",
            "-Xfrontend", "-disable-dynamic-actor-isolation",
        ],
        .when(configuration: .release)
    ),
]

func shared(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Shared/\(name)", swiftSettings: strict)
}

func worker(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Worker/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["TestSupport"],
        path: "Tests/\(name)",
        swiftSettings: strict
    )
}

let package = Package(
    name: "Millrace",
    products: [
        .executable(name: "Worker", targets: ["Worker"])
    ],
    targets: [
        .systemLibrary(name: "CUV", path: "Sources/System/CUV"),
        .systemLibrary(name: "CCurl", path: "Sources/System/CCurl"),
        .systemLibrary(name: "CHiredis", path: "Sources/System/CHiredis"),
        .systemLibrary(name: "COpenSSL", path: "Sources/System/COpenSSL"),
        .target(
            name: "CSimdjson",
            path: "Sources/System/CSimdjson",
            cxxSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra"])],
            linkerSettings: [.linkedLibrary("simdjson")]
        ),
        // The tables become constants of the program (docs/decisions/0020-vocabularies.md).
        .target(name: "CVocabularies", path: "Sources/System/CVocabularies", exclude: ["Tables"]),

        .target(
            name: "Core",
            path: "Sources/Shared/Core",
            swiftSettings: strict,
            linkerSettings: [.linkedLibrary("m")]
        ),
        shared("EventLoop", ["Core", "CUV"]),
        shared("HTTPCodec", ["Core"]),
        shared("JSON", ["Core", "CSimdjson"]),
        shared("Crypto", ["Core", "COpenSSL"]),
        .target(
            name: "Tokenizer",
            dependencies: ["Core", "CVocabularies"],
            path: "Sources/Shared/Tokenizer",
            // Optimised in debug builds, too: the tests have it count megabytes.
            swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]
        ),
        shared("OpenAIAPI", ["Core", "JSON", "Tokenizer"]),
        shared("HTTPServer", ["Core", "EventLoop", "HTTPCodec"]),
        shared("Redis", ["Core", "EventLoop", "CHiredis"]),
        shared("Upstream", ["Core", "EventLoop", "HTTPCodec", "CCurl"]),
        .target(
            name: "State",
            dependencies: ["Core", "EventLoop", "Crypto", "JSON", "Redis"],
            path: "Sources/Shared/State",
            // Scripts and prices become byte arrays of the module: no bundle, no Foundation, links statically.
            resources: [.embedInCode("Scripts"), .embedInCode("Prices/prices.json")],
            swiftSettings: strict
        ),

        worker("Providers", ["Core", "JSON", "HTTPCodec", "Crypto", "OpenAIAPI"]),
        worker("Dialects", ["Core", "JSON", "OpenAIAPI"]),
        worker(
            "Admin",
            ["Core", "EventLoop", "HTTPCodec", "JSON", "Crypto", "OpenAIAPI", "HTTPServer", "Redis", "State"]
        ),
        worker(
            "Gateway",
            [
                "Core", "EventLoop", "HTTPCodec", "JSON", "Crypto", "Tokenizer", "OpenAIAPI", "HTTPServer", "Redis",
                "Upstream", "State", "Providers", "Dialects", "Admin",
            ]
        ),
        .executableTarget(
            name: "Worker",
            dependencies: [
                "Core", "EventLoop", "HTTPCodec", "JSON", "Crypto", "OpenAIAPI", "HTTPServer", "Redis", "Upstream",
                "State", "Providers", "Admin", "Gateway",
            ],
            path: "Sources/Worker/Worker",
            swiftSettings: strict
        ),

        .target(
            name: "TestSupport",
            dependencies: ["Core", "EventLoop"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("CoreTests", ["Core"]),
        tests("EventLoopTests", ["Core", "EventLoop"]),
        tests("HTTPCodecTests", ["Core", "HTTPCodec"]),
        tests("JSONTests", ["Core", "JSON"]),
        tests("CryptoTests", ["Core", "Crypto"]),
        tests("TokenizerTests", ["Core", "Crypto", "Tokenizer"]),
        tests("HTTPServerTests", ["Core", "EventLoop", "HTTPCodec", "HTTPServer"]),
        tests("OpenAIAPITests", ["Core", "JSON", "OpenAIAPI", "Tokenizer"]),
        tests("RedisTests", ["Core", "EventLoop", "Redis"]),
        tests("StateTests", ["Core", "Crypto", "EventLoop", "Redis", "State"]),
        tests(
            "AdminTests",
            ["Core", "Crypto", "EventLoop", "HTTPCodec", "JSON", "HTTPServer", "Redis", "State", "Admin"]
        ),
        tests("UpstreamTests", ["Core", "EventLoop", "HTTPCodec", "Upstream"]),
        tests("ProvidersTests", ["Core", "JSON", "HTTPCodec", "OpenAIAPI", "Providers"]),
        tests("DialectsTests", ["Core", "JSON", "OpenAIAPI", "Dialects"]),
        tests(
            "GatewayTests",
            ["Core", "EventLoop", "HTTPCodec", "JSON", "OpenAIAPI", "Providers", "Upstream", "State", "Gateway"]
        ),
    ],
    cxxLanguageStandard: .cxx17
)
