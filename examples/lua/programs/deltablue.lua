-- Objects that point at each other: chains of one-way constraints, after the classic benchmark.
local n = tonumber(arg and arg[1]) or 25

local Variable = {}
Variable.__index = Variable

function Variable.new(name, value)
  return setmetatable({ name = name, value = value, constraints = {}, determined = nil, mark = 0, strength = 6, stays = true }, Variable)
end

local Constraint = {}
Constraint.__index = Constraint
local Equality = setmetatable({}, { __index = Constraint })
Equality.__index = Equality
local Scale = setmetatable({}, { __index = Constraint })
Scale.__index = Scale
local Edit = setmetatable({}, { __index = Constraint })
Edit.__index = Edit

local function attach(constraint)
  for _, variable in ipairs(constraint:variables()) do
    local list = variable.constraints
    list[#list + 1] = constraint
  end
  return constraint
end

function Equality.new(a, b, strength)
  return attach(setmetatable({ input = a, output = b, strength = strength }, Equality))
end

function Scale.new(a, factor, offset, b, strength)
  return attach(setmetatable({ input = a, output = b, factor = factor, offset = offset, strength = strength }, Scale))
end

function Edit.new(variable, strength)
  return attach(setmetatable({ output = variable, strength = strength }, Edit))
end

function Constraint:variables() return { self.input, self.output } end
function Constraint:is_input() return false end
function Constraint:knows(mark) return self.input.mark == mark or self.input.stays or not self.input.determined end
function Edit:variables() return { self.output } end
function Edit:is_input() return true end
function Edit:knows() return true end
function Equality:execute() self.output.value = self.input.value end
function Scale:execute() self.output.value = self.input.value * self.factor.value + self.offset.value end
function Edit:execute() end

local Planner = {}
Planner.__index = Planner

function Planner.new() return setmetatable({ mark = 0 }, Planner) end

function Planner:plan(sources)
  self.mark = self.mark + 1
  local mark, plan, todo = self.mark, {}, {}
  for i, source in ipairs(sources) do todo[i] = source end
  while #todo > 0 do
    local constraint = table.remove(todo)
    local output = constraint.output
    if output.mark ~= mark and constraint:knows(mark) then
      plan[#plan + 1] = constraint
      output.mark = mark
      output.determined = constraint
      output.strength = constraint.strength
      output.stays = constraint:is_input()
      for _, follower in ipairs(output.constraints) do
        if follower ~= constraint and follower.input == output then todo[#todo + 1] = follower end
      end
    end
  end
  return plan
end

local function execute(plan)
  for i = 1, #plan do plan[i]:execute() end
end

local function chain_test(length)
  local planner = Planner.new()
  local first = Variable.new("v0", 0)
  local last = first
  for i = 1, length do
    local variable = Variable.new("v" .. i, 0)
    Equality.new(last, variable, 2)
    last = variable
  end
  local plan = planner:plan({ Edit.new(first, 1) })
  local sum = 0
  for value = 1, 100 do
    first.value = value
    execute(plan)
    sum = sum + last.value
  end
  return sum, #plan
end

local function projection_test(length)
  local planner = Planner.new()
  local scale, offset = Variable.new("scale", 10), Variable.new("offset", 1000)
  local edits, outputs = {}, {}
  for i = 1, length do
    local source, target = Variable.new("s" .. i, i), Variable.new("t" .. i, 0)
    Scale.new(source, scale, offset, target, 2)
    edits[i], outputs[i] = Edit.new(source, 1), target
  end
  local sum = 0
  for round = 1, 10 do
    scale.value = round
    execute(planner:plan(edits))
    for i = 1, length do sum = sum + outputs[i].value end
  end
  return sum
end

local a, b, c
for _ = 1, n do
  a, b = chain_test(400)
  c = projection_test(400)
end
print(a, b, c)
