/// @file hub_websocket.hpp - `atrium hub-websocket`: browsers' requests and live queries over one WebSocket. Layer:
/// apps/hub-websocket.
#pragma once

namespace atrium {

int run_hub_websocket(int argc, char** argv);

}  // namespace atrium
