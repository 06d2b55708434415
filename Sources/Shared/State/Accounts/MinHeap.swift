/// A heap with the least element in front.
struct MinHeap<Element: Comparable> {
    private var elements: [Element] = []

    var first: Element? { elements.first }
    var isEmpty: Bool { elements.isEmpty }

    mutating func push(_ element: Element) {
        elements.append(element)
        var place = elements.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard elements[place] < elements[parent] else { return }
            elements.swapAt(place, parent)
            place = parent
        }
    }

    @discardableResult
    mutating func pop() -> Element? {
        guard let last = elements.popLast() else { return nil }
        guard let least = elements.first else { return last }
        replaceFirst(with: last)
        return least
    }

    /// Cheaper than taking the first element away and adding another one.
    mutating func replaceFirst(with element: Element) {
        elements[0] = element
        var place = 0
        while true {
            var least = place
            for child in (2 * place + 1)..<(2 * place + 3) where child < elements.count {
                if elements[child] < elements[least] { least = child }
            }
            guard least != place else { return }
            elements.swapAt(place, least)
            place = least
        }
    }
}
