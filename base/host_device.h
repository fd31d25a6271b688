// Marks functions that run on the CPU and inside CUDA kernels, so that one text serves both and the CPU's tests cover
// what the kernels compute.
#ifndef HARDFACE_BASE_HOST_DEVICE_H_
#define HARDFACE_BASE_HOST_DEVICE_H_

#ifdef __CUDACC__
#define HARDFACE_HOST_DEVICE __host__ __device__
#else
#define HARDFACE_HOST_DEVICE
#endif

#endif  // HARDFACE_BASE_HOST_DEVICE_H_
