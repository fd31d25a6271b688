// device_detections.cu as C++ (launch.cuh).
#include "infer/device_detections.cu"
