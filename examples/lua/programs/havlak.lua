-- Graphs of objects: finding the loops of a flow graph, after Havlak's algorithm.
local n = tonumber(arg and arg[1]) or 60

local function new_graph() return { blocks = {}, start = 1 } end

local function block(graph, id)
  local it = graph.blocks[id]
  if not it then
    it = { id = id, ins = {}, outs = {} }
    graph.blocks[id] = it
  end
  return it
end

local function edge(graph, from, to)
  local a, b = block(graph, from), block(graph, to)
  a.outs[#a.outs + 1] = b
  b.ins[#b.ins + 1] = a
end

local function diamond(graph, start)
  edge(graph, start, start + 1)
  edge(graph, start, start + 2)
  edge(graph, start + 1, start + 3)
  edge(graph, start + 2, start + 3)
  return start + 3
end

local function base_loop(graph, from)
  edge(graph, from, from + 1)
  local bottom = diamond(graph, from + 1)
  edge(graph, bottom, from + 1)
  edge(graph, bottom, bottom + 1)
  return bottom + 1
end

local function build(size)
  local graph = new_graph()
  local at = 1
  for _ = 1, size do
    local top = at
    edge(graph, at, at + 1)
    at = at + 1
    for _ = 1, 4 do
      local inner = at
      edge(graph, at, at + 1)
      at = at + 1
      for _ = 1, 3 do at = base_loop(graph, at) end
      edge(graph, at, inner)
      edge(graph, at, at + 1)
      at = at + 1
    end
    edge(graph, at, top)
    edge(graph, at, at + 1)
    at = at + 1
  end
  return graph
end

local function find(node)
  local root = node
  while root.union ~= root do root = root.union end
  while node.union ~= root do node.union, node = root, node.union end
  return root
end

local function number_nodes(graph)
  local nodes, by_block = {}, {}
  local stack = { { graph.blocks[graph.start], 0 } }
  local function enter(it)
    local node = { block = it, number = #nodes + 1, back = {}, others = {}, kind = "plain" }
    node.union, node.header = node, nil
    nodes[node.number] = node
    by_block[it] = node
    return node
  end
  enter(graph.blocks[graph.start])
  while #stack > 0 do
    local top = stack[#stack]
    top[2] = top[2] + 1
    local follower = top[1].outs[top[2]]
    if not follower then
      by_block[top[1]].last = #nodes
      stack[#stack] = nil
    elseif not by_block[follower] then
      enter(follower)
      stack[#stack + 1] = { follower, 0 }
    end
  end
  return nodes, by_block
end

local function find_loops(graph)
  local nodes, by_block = number_nodes(graph)
  local function is_ancestor(a, b) return a.number <= b.number and b.number <= a.last end
  for _, node in ipairs(nodes) do
    for _, from in ipairs(node.block.ins) do
      local it = by_block[from]
      if it then
        local list = is_ancestor(node, it) and node.back or node.others
        list[#list + 1] = it
      end
    end
  end
  local loops, depth_sum = 0, 0
  for at = #nodes, 1, -1 do
    local node = nodes[at]
    local pool, seen = {}, {}
    for _, it in ipairs(node.back) do
      if it == node then
        node.kind = "self"
      else
        local root = find(it)
        if not seen[root] then seen[root], pool[#pool + 1] = true, root end
      end
    end
    local work = {}
    for i = 1, #pool do work[i] = pool[i] end
    if #work > 0 then node.kind = "reducible" end
    while #work > 0 do
      local x = table.remove(work)
      for _, y in ipairs(x.others) do
        local root = find(y)
        if not is_ancestor(node, root) then
          node.kind = "irreducible"
        elseif root ~= node and not seen[root] then
          seen[root] = true
          pool[#pool + 1], work[#work + 1] = root, root
        end
      end
    end
    if #pool > 0 or node.kind == "self" then
      loops = loops + 1
      for _, it in ipairs(pool) do
        it.header, it.union = node, node
      end
    end
  end
  for _, node in ipairs(nodes) do
    local header = node.header
    while header do
      depth_sum = depth_sum + 1
      header = header.header
    end
  end
  return loops, depth_sum, #nodes
end

local graph = build(10)
local a, b, c
for _ = 1, n do a, b, c = find_loops(graph) end
print(a, b, c)
