-- Floats in fields of objects: the planets of the solar system.
local n = tonumber(arg and arg[1]) or 200000
local sqrt = math.sqrt
local solar_mass = 4 * math.pi ^ 2
local days = 365.24

local function body(x, y, z, vx, vy, vz, mass)
  return {
    x = x, y = y, z = z,
    vx = vx * days, vy = vy * days, vz = vz * days,
    mass = mass * solar_mass,
  }
end

local bodies = {
  body(0, 0, 0, 0, 0, 0, 1),
  body(4.84143144246472082945e+00, -1.16032004402742839362e+00, -1.03622044471123109494e-01,
    1.66007664274403694959e-03, 7.69901118419740425080e-03, -6.90460016972063023554e-05,
    9.54791938424326609124e-04),
  body(8.34336671824457987790e+00, 4.12479856412430479268e+00, -4.03523417114321381293e-01,
    -2.76742510726411899416e-03, 4.99852801234917238954e-03, 2.30417297573763929463e-05,
    2.85885980666130812119e-04),
  body(1.28943695621391310164e+01, -1.51111514016986312525e+01, -2.23307578892655734398e-01,
    2.96460137564761618651e-03, 2.37847173959480950149e-03, -2.96589568540237556131e-05,
    4.36624404335156298062e-05),
  body(1.53796971148509165498e+01, -2.59193146099879641146e+01, 1.79258772950371181757e-01,
    2.68067772490389322511e-03, 1.62824170038242295431e-03, -9.51592254519715870971e-05,
    5.15138902046611451304e-05),
}

local function advance(dt)
  local n_bodies = #bodies
  for i = 1, n_bodies do
    local a = bodies[i]
    for j = i + 1, n_bodies do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local d2 = dx * dx + dy * dy + dz * dz
      local mag = dt / (d2 * sqrt(d2))
      local mb, ma = b.mass * mag, a.mass * mag
      a.vx = a.vx - dx * mb
      a.vy = a.vy - dy * mb
      a.vz = a.vz - dz * mb
      b.vx = b.vx + dx * ma
      b.vy = b.vy + dy * ma
      b.vz = b.vz + dz * ma
    end
  end
  for i = 1, n_bodies do
    local a = bodies[i]
    a.x = a.x + dt * a.vx
    a.y = a.y + dt * a.vy
    a.z = a.z + dt * a.vz
  end
end

local function energy()
  local e = 0
  for i, a in ipairs(bodies) do
    e = e + 0.5 * a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz)
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      e = e - a.mass * b.mass / sqrt(dx * dx + dy * dy + dz * dz)
    end
  end
  return e
end

local px, py, pz = 0, 0, 0
for _, a in ipairs(bodies) do
  px, py, pz = px + a.vx * a.mass, py + a.vy * a.mass, pz + a.vz * a.mass
end
bodies[1].vx, bodies[1].vy, bodies[1].vz = -px / solar_mass, -py / solar_mass, -pz / solar_mass

print(string.format("%.9f", energy()))
for _ = 1, n do advance(0.01) end
print(string.format("%.9f", energy()))
