/// The words for what a model does besides thinking and speaking.
struct GrokLabels: Sendable {
    let search: String
    let runsCode: String
    let browses: String
    let results: @Sendable (Int) -> String
    let codeRan: String
    let codeFailed: String
    let picture: @Sendable (Int, Int) -> String

    static let english = GrokLabels(
        search: "Search",
        runsCode: "Run code",
        browses: "Browse",
        results: { $0 == 1 ? "Found 1 result" : "Found \($0) results" },
        codeRan: "Code ran",
        codeFailed: "Code failed",
        picture: { "Image \($0): \($1)%" }
    )

    static let chinese = GrokLabels(
        search: "搜索",
        runsCode: "执行代码",
        browses: "浏览",
        results: { "找到 \($0) 条结果" },
        codeRan: "执行成功",
        codeFailed: "执行失败",
        picture: { "正在生成第\($0)张图片中，当前进度\($1)%" }
    )
}
