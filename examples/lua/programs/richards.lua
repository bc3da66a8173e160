-- Objects and methods: the scheduler of an operating system, after the classic benchmark.
local n = tonumber(arg and arg[1]) or 80

local IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = 1, 2, 3, 4, 5, 6
local KIND_DEVICE, KIND_WORK = 1, 2

local Packet = {}
Packet.__index = Packet

function Packet.new(link, id, kind)
  return setmetatable({ link = link, id = id, kind = kind, datum = 0, data = { 0, 0, 0, 0 } }, Packet)
end

function Packet:append_to(queue)
  self.link = nil
  if not queue then return self end
  local last = queue
  while last.link do last = last.link end
  last.link = self
  return queue
end

local Task = {}
Task.__index = Task

function Task.new(scheduler, id, priority, queue, state)
  local task = setmetatable({
    scheduler = scheduler, id = id, priority = priority, queue = queue,
    pending = queue ~= nil, waiting = queue == nil, holding = false, next = scheduler.list,
  }, Task)
  for name, value in pairs(state) do task[name] = value end
  scheduler.list = task
  scheduler.tasks[id] = task
  return task
end

function Task:add_packet(packet, old)
  if not self.queue then
    self.queue = packet
    self.pending = true
    if self.priority > old.priority then return self end
  else
    self.queue = packet:append_to(self.queue)
  end
  return old
end

function Task:run_once()
  local packet
  if self.waiting and self.pending and not self.holding then
    packet = self.queue
    self.queue = packet.link
    self.pending = self.queue ~= nil
    self.waiting = false
  end
  return self:run(packet)
end

function Task:is_held()
  return self.holding or (not self.pending and self.waiting)
end

local Scheduler = {}
Scheduler.__index = Scheduler

function Scheduler.new()
  return setmetatable({ tasks = {}, list = nil, current = nil, n_queued = 0, n_held = 0 }, Scheduler)
end

function Scheduler:wait()
  self.current.waiting = true
  return self.current
end

function Scheduler:hold()
  self.n_held = self.n_held + 1
  self.current.holding = true
  return self.current.next
end

function Scheduler:release(id)
  local task = self.tasks[id]
  task.holding = false
  if task.priority > self.current.priority then return task end
  return self.current
end

function Scheduler:queue_packet(packet)
  local task = self.tasks[packet.id]
  self.n_queued = self.n_queued + 1
  packet.link = nil
  packet.id = self.current.id
  return task:add_packet(packet, self.current)
end

function Scheduler:schedule()
  self.current = self.list
  while self.current do
    if self.current:is_held() then
      self.current = self.current.next
    else
      self.current = self.current:run_once()
    end
  end
end

local function run_idle(self)
  self.count = self.count - 1
  if self.count == 0 then return self.scheduler:hold() end
  if self.control % 2 == 0 then
    self.control = self.control / 2
    return self.scheduler:release(DEVICE_A)
  end
  self.control = ((self.control - 1) / 2 + 0xD008) % 0x10000
  return self.scheduler:release(DEVICE_B)
end

local function run_worker(self, packet)
  if not packet then return self.scheduler:wait() end
  self.target = self.target == HANDLER_A and HANDLER_B or HANDLER_A
  packet.id = self.target
  packet.datum = 0
  for i = 1, 4 do
    self.letter = self.letter % 26 + 1
    packet.data[i] = self.letter
  end
  return self.scheduler:queue_packet(packet)
end

local function run_handler(self, packet)
  if packet then
    if packet.kind == KIND_WORK then
      self.work = packet:append_to(self.work)
    else
      self.devices = packet:append_to(self.devices)
    end
  end
  local work = self.work
  if work then
    local count = work.datum
    if count >= 4 then
      self.work = work.link
      return self.scheduler:queue_packet(work)
    end
    local device = self.devices
    if device then
      self.devices = device.link
      device.datum = work.data[count + 1]
      work.datum = count + 1
      return self.scheduler:queue_packet(device)
    end
  end
  return self.scheduler:wait()
end

local function run_device(self, packet)
  if packet then
    self.packet = packet
    return self.scheduler:hold()
  end
  local waiting = self.packet
  if not waiting then return self.scheduler:wait() end
  self.packet = nil
  return self.scheduler:queue_packet(waiting)
end

local function packets(count, id, kind)
  local queue
  for _ = 1, count do queue = Packet.new(queue, id, kind) end
  return queue
end

local function richards()
  local scheduler = Scheduler.new()
  local idle = Task.new(scheduler, IDLE, 0, nil, { run = run_idle, control = 1, count = 1000 })
  idle.waiting = false
  Task.new(scheduler, WORKER, 1000, packets(2, WORKER, KIND_WORK),
    { run = run_worker, target = HANDLER_A, letter = 0 })
  Task.new(scheduler, HANDLER_A, 2000, packets(3, DEVICE_A, KIND_DEVICE), { run = run_handler })
  Task.new(scheduler, HANDLER_B, 3000, packets(3, DEVICE_B, KIND_DEVICE), { run = run_handler })
  Task.new(scheduler, DEVICE_A, 4000, nil, { run = run_device })
  Task.new(scheduler, DEVICE_B, 5000, nil, { run = run_device })
  for id = WORKER, HANDLER_B do scheduler.tasks[id].waiting = true end
  scheduler:schedule()
  return scheduler.n_queued, scheduler.n_held
end

local queued, held
for _ = 1, n do queued, held = richards() end
print(queued, held)
